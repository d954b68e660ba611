# Finds the C interfaces of BLAS and LAPACK: cblas.h, lapacke.h and the libraries behind them.
#
# Some systems put LAPACKE inside the BLAS library (Homebrew, conda, upstream OpenBLAS), others ship it apart (Debian,
# Ubuntu, Fedora). Both are tried, by compiling and linking a probe. Defines the target LAPACKE::LAPACKE.
include(CheckCXXSourceCompiles)
include(FindPackageHandleStandardArgs)

find_package(BLAS QUIET)
find_package(LAPACK QUIET)
find_path(CBLAS_INCLUDE_DIR cblas.h HINTS ENV OpenBLAS_HOME PATH_SUFFIXES include openblas include/openblas)
find_path(LAPACKE_INCLUDE_DIR lapacke.h HINTS ENV OpenBLAS_HOME PATH_SUFFIXES include openblas lapacke include/openblas)
find_library(LAPACKE_LIBRARY lapacke HINTS ENV OpenBLAS_HOME PATH_SUFFIXES lib)
mark_as_advanced(CBLAS_INCLUDE_DIR LAPACKE_INCLUDE_DIR LAPACKE_LIBRARY)

# In a function, so that CMAKE_REQUIRED_* do not leak into the project that includes us.
function(lapacke_links result)
  set(CMAKE_REQUIRED_INCLUDES "${CBLAS_INCLUDE_DIR}" "${LAPACKE_INCLUDE_DIR}")
  set(CMAKE_REQUIRED_LIBRARIES ${ARGN})
  set(CMAKE_REQUIRED_QUIET ON)
  string(MD5 key "${CMAKE_REQUIRED_INCLUDES} ${ARGN}") # another BLAS is another question
  check_cxx_source_compiles("
    #include <cblas.h>
    #include <lapacke.h>
    int main() {
      double a = 1, wr = 0, wi = 0, v = 0;
      int info = LAPACKE_dgeev(LAPACK_COL_MAJOR, 'N', 'N', 1, &a, 1, &wr, &wi, &v, 1, &v, 1);
      return info + static_cast<int>(cblas_dasum(1, &wi, 1));
    }" LAPACKE_LINKS_${key})
  set(${result} "${LAPACKE_LINKS_${key}}" PARENT_SCOPE)
endfunction()

set(LAPACKE_LIBRARIES LAPACKE_LIBRARIES-NOTFOUND)
if(LAPACK_FOUND AND CBLAS_INCLUDE_DIR AND LAPACKE_INCLUDE_DIR)
  lapacke_links(lapacke_inside ${LAPACK_LIBRARIES} ${BLAS_LIBRARIES})
  if(lapacke_inside)
    set(LAPACKE_LIBRARIES ${LAPACK_LIBRARIES} ${BLAS_LIBRARIES})
  elseif(LAPACKE_LIBRARY)
    lapacke_links(lapacke_apart ${LAPACKE_LIBRARY} ${LAPACK_LIBRARIES} ${BLAS_LIBRARIES})
    if(lapacke_apart)
      set(LAPACKE_LIBRARIES ${LAPACKE_LIBRARY} ${LAPACK_LIBRARIES} ${BLAS_LIBRARIES})
    endif()
  endif()
  list(REMOVE_DUPLICATES LAPACKE_LIBRARIES)
endif()

find_package_handle_standard_args(
  LAPACKE
  REQUIRED_VARS LAPACKE_LIBRARIES LAPACKE_INCLUDE_DIR CBLAS_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "On Debian and Ubuntu: sudo apt-get install libopenblas-dev liblapacke-dev")

if(LAPACKE_FOUND AND NOT TARGET LAPACKE::LAPACKE)
  add_library(LAPACKE::LAPACKE INTERFACE IMPORTED)
  set_target_properties(
    LAPACKE::LAPACKE PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${LAPACKE_INCLUDE_DIR};${CBLAS_INCLUDE_DIR}"
                                INTERFACE_LINK_LIBRARIES "${LAPACKE_LIBRARIES}")
  list(GET BLAS_LIBRARIES 0 lapacke_blas)
  file(REAL_PATH "${lapacke_blas}" lapacke_blas) # libblas.so may be a link to an optimised one
  if(NOT lapacke_blas MATCHES "openblas|mkl|blis|Accelerate|armpl|essl" AND NOT LAPACKE_FIND_QUIETLY)
    message(WARNING "This BLAS (${lapacke_blas}) looks like the reference one, about ten times slower than OpenBLAS. "
                    "On Debian and Ubuntu: sudo apt-get install libopenblas-dev")
  endif()
endif()
