# Language level, warnings, and the one place that sets floating-point rules: the same bits from every compiler.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_LINK_DEPENDS_NO_SHARED ON) # a changed .cpp relinks the library, not everything that uses it

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug, RelWithDebInfo" FORCE)
endif()
string(TOUPPER "${CMAKE_BUILD_TYPE}" glocal_build_type)
if("${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${glocal_build_type}}" MATCHES "fast-math|-Ofast")
  message(FATAL_ERROR "Glocal needs exact floating-point rules: remove fast-math and -Ofast from the compiler flags.")
endif()
if((CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
   OR (CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 16))
  message(FATAL_ERROR "Glocal needs g++ >= 12 or clang >= 16, found ${CMAKE_CXX_COMPILER_ID} "
                      "${CMAKE_CXX_COMPILER_VERSION}; set CXX, for example CXX=g++-12.")
endif()

# clang does not define g++'s macro, by which core/recycle.h and core/memory.cpp leave every block to the sanitizer.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang"
   AND "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${glocal_build_type}}" MATCHES "-fsanitize=[a-z,-]*address")
  add_compile_definitions(__SANITIZE_ADDRESS__)
endif()

set(glocal_float_rules -ffp-contract=off)
add_compile_options(${glocal_float_rules} -fno-semantic-interposition)

string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" processor)
string(REGEX MATCH "^(x86_64|amd64)$" glocal_x86 "${processor}")
if(glocal_x86)
  add_compile_definitions(GLOCAL_X86)
endif()

if(glocal_is_top_level)
  add_compile_options(-Wall -Wextra -Wconversion -Wshadow)
  # From 17 on clang reports what libstdc++ 12's own std::stable_sort calls; g++ still reports what we call.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_options(-Wno-deprecated-declarations)
  endif()
  find_program(GLOCAL_CCACHE ccache)
  if(GLOCAL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${GLOCAL_CCACHE}")
  endif()
endif()
if(GLOCAL_WERROR)
  add_compile_options(-Werror)
endif()
