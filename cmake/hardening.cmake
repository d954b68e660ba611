# What optimised builds are hardened with against memory errors; sanitizer builds have better checks of their own.
# tests/hardening.cmake reads the finished command: none of these may get lost on the way.
include(CheckCXXSourceCompiles)
include(CheckPIESupported)

option(GLOCAL_HARDEN "Harden optimised builds (fortified libc calls, stack protector, CET, full RELRO, PIE)"
       ${glocal_is_top_level})
if(NOT GLOCAL_HARDEN OR NOT CMAKE_SYSTEM_NAME STREQUAL "Linux" OR CMAKE_BUILD_TYPE STREQUAL "Debug"
   OR "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${glocal_build_type}}" MATCHES "-fsanitize=|-O0")
  set(GLOCAL_HARDENED OFF)
  return()
endif()
set(GLOCAL_HARDENED ON)

# Level 3 also checks sizes that are known at run time only.
check_cxx_source_compiles("#include <features.h>
#if !__GLIBC_PREREQ(2, 35)
#error
#endif
int main() {}" glocal_fortify_3)
set(level 2)
if(glocal_fortify_3)
  set(level 3)
endif()
add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${level} -D_GLIBCXX_ASSERTIONS -fstack-protector-strong
                    -fstack-clash-protection)
if(glocal_x86)
  add_compile_options(-fcf-protection)
endif()
check_pie_supported()
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
