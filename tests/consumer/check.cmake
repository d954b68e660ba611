# cmake -DSOURCE_DIR=... -DBUILD_DIR=... -DCXX=... -DGENERATOR=... -P check.cmake
#
# Builds and runs the consumer three ways: on the installed static library, by add_subdirectory with a shared library,
# and on what that installs. Everything happens in <BUILD_DIR>/package.
cmake_minimum_required(VERSION 3.22)
set(work "${BUILD_DIR}/package")
file(REMOVE_RECURSE "${work}")
set(configure "${CMAKE_COMMAND}" -G "${GENERATOR}" -DCMAKE_CXX_COMPILER=${CXX})

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(build_and_run name)
  message(STATUS "consumer: ${name}")
  run(${configure} -S "${SOURCE_DIR}/tests/consumer" -B "${work}/${name}" ${ARGN})
  run("${CMAKE_COMMAND}" --build "${work}/${name}")
  run("${work}/${name}/consumer")
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${work}/static")
build_and_run(find_package_static -DCMAKE_BUILD_TYPE=Release "-DCMAKE_PREFIX_PATH=${work}/static")

# What is shown is that it links, installs and runs; a second library that is optimised would take as long as all else,
# and line numbers for a debugger a quarter of what is left.
build_and_run(add_subdirectory_shared "-DGLOCAL_SOURCES=${SOURCE_DIR}" -DBUILD_SHARED_LIBS=ON -DGLOCAL_INSTALL=ON
              -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=)
run("${CMAKE_COMMAND}" --install "${work}/add_subdirectory_shared" --prefix "${work}/shared")
build_and_run(find_package_shared -DCMAKE_BUILD_TYPE=Release "-DCMAKE_PREFIX_PATH=${work}/shared")
