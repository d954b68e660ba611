// GLOCAL_KERNELS(Table, name): `name()` is the Table of function pointers of the chosen instruction set, `name(set)`
// that of another one (for tests). simd/<file>.cpp, compiled once per set, defines it in glocal::simd::GLOCAL_ISA.
#pragma once
#include <glocal/core/isa.h>  // IWYU pragma: keep (the macro names Isa)

#ifdef GLOCAL_X86
#define GLOCAL_KERNELS(Table, name)                                                            \
  namespace baseline {                                                                         \
  extern const Table name;                                                                     \
  }                                                                                            \
  namespace avx2 {                                                                             \
  extern const Table name;                                                                     \
  }                                                                                            \
  namespace avx512 {                                                                           \
  extern const Table name;                                                                     \
  }                                                                                            \
  inline const Table& name(Isa set = isa()) {                                                  \
    return set == Isa::avx512 ? avx512::name : set == Isa::avx2 ? avx2::name : baseline::name; \
  }
#else
#define GLOCAL_KERNELS(Table, name) \
  namespace baseline {              \
  extern const Table name;          \
  }                                 \
  inline const Table& name(Isa = Isa::baseline) { return baseline::name; }
#endif
