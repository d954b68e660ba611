# glocal_simd(<folder>): compiles core/simd/*.cpp once per instruction set, each in its own namespace GLOCAL_ISA; the
# choice among them is made at run time (core/isa.h). Elsewhere than on x86-64 there is only `baseline`.
function(glocal_simd)
  glocal_include_root(core core_root)
  glocal_include_root(core/simd simd_root)
  set_property(GLOBAL APPEND PROPERTY glocal_folders core/simd)
  file(GLOB sources CONFIGURE_DEPENDS core/simd/*.cpp)
  list(SORT sources)
  set(flags_baseline "")
  set(flags_avx2 -mavx2 -mfma)
  set(flags_avx512 -mavx2 -mfma -mavx512f -mavx512dq -mavx512bw -mavx512vl -mprefer-vector-width=512)
  set(sets baseline)
  if(glocal_x86)
    list(APPEND sets avx2 avx512)
  endif()
  foreach(isa IN LISTS sets)
    add_library(glocal_simd_${isa} OBJECT ${sources})
    target_include_directories(glocal_simd_${isa} PRIVATE "${core_root}" "${simd_root}")
    target_compile_definitions(glocal_simd_${isa} PRIVATE GLOCAL_ISA=${isa})
    # Contraction and the rest are per file on purpose: none of them lets the compiler reorder a sum. Under sanitizers
    # -O3 takes three times as long to compile.
    target_compile_options(glocal_simd_${isa} PRIVATE $<IF:$<CONFIG:Debug>,-O2,-O3> -ffp-contract=fast
                                                      -fno-math-errno -fno-trapping-math ${flags_${isa}})
    set_property(GLOBAL APPEND PROPERTY glocal_objects $<TARGET_OBJECTS:glocal_simd_${isa}>)
  endforeach()
endfunction()
