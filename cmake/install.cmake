# Library, headers, command and package files: find_package(glocal) and glocal::glocal.
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/glocal")

install(TARGETS glocal EXPORT glocalTargets)
install(EXPORT glocalTargets NAMESPACE glocal:: DESTINATION "${package_dir}")
foreach(folder core autodiff nn optim hpo datasets train)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/glocal"
          FILES_MATCHING PATTERN "*.h" PATTERN digits EXCLUDE)
endforeach()

configure_package_config_file(cmake/glocalConfig.cmake.in "${PROJECT_BINARY_DIR}/glocalConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/glocalConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/glocalConfig.cmake" "${PROJECT_BINARY_DIR}/glocalConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindLAPACKE.cmake" DESTINATION "${package_dir}")

if(TARGET glocal_app)
  install(TARGETS glocal_app)
endif()
install(FILES datasets/fetch.cmake DESTINATION "${CMAKE_INSTALL_DATADIR}/glocal" OPTIONAL)
