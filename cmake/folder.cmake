# One folder, one target, one include root: a forbidden include does not compile.
#
#   glocal_folder(<name> [SEES <folder>...] [LINK <target>...] [SOURCES <glob>...] [EXCEPT <glob>...])
#
# makes the OBJECT library glocal_<name> from <name>/*.cpp (or SOURCES without EXCEPT). Its include path holds
# <name> itself and the folders after SEES. A new .cpp file is picked up by itself.

# Include root of one folder: a directory in which glocal/<folder> is a link to the sources.
function(glocal_include_root folder result)
  set(root "${PROJECT_BINARY_DIR}/include/${folder}")
  if(NOT EXISTS "${root}/glocal/${folder}")
    file(MAKE_DIRECTORY "${root}/glocal")
    file(CREATE_LINK "${PROJECT_SOURCE_DIR}/${folder}" "${root}/glocal/${folder}" SYMBOLIC)
  endif()
  set(${result} "${root}" PARENT_SCOPE)
endfunction()

function(glocal_folder name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SEES;LINK;SOURCES;EXCEPT")
  if(NOT arg_SOURCES)
    set(arg_SOURCES "${name}/*.cpp")
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${arg_SOURCES})
  if(arg_EXCEPT)
    file(GLOB except CONFIGURE_DEPENDS ${arg_EXCEPT})
    list(REMOVE_ITEM sources ${except})
  endif()
  list(SORT sources)

  if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/${name}")
    list(PREPEND arg_SEES "${name}")
  endif()
  foreach(folder IN LISTS arg_SEES)
    glocal_include_root(${folder} root)
    list(APPEND roots "${root}")
  endforeach()
  set_property(GLOBAL APPEND PROPERTY glocal_folders ${arg_SEES})

  if(NOT sources)
    message(STATUS "glocal: ${name} has no sources yet")
    return()
  endif()
  add_library(glocal_${name} OBJECT ${sources})
  target_include_directories(glocal_${name} PRIVATE ${roots})
  target_link_libraries(glocal_${name} PRIVATE fmt::fmt ${arg_LINK})
  set_property(GLOBAL APPEND PROPERTY glocal_objects glocal_${name})
endfunction()

# Adds the generated version.cpp: version, compiler and flags, for run metadata.
function(glocal_version name)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  string(JOIN " " glocal_flags ${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${type}} ${glocal_float_rules})
  configure_file("${PROJECT_SOURCE_DIR}/core/version.cpp.in" "${PROJECT_BINARY_DIR}/version.cpp" @ONLY)
  target_sources(glocal_${name} PRIVATE "${PROJECT_BINARY_DIR}/version.cpp")
endfunction()

# glocal_library(<target> [SHARED]): every folder's objects in one library.
function(glocal_library target)
  get_property(objects GLOBAL PROPERTY glocal_objects)
  get_property(folders GLOBAL PROPERTY glocal_folders)
  list(REMOVE_DUPLICATES folders)
  list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
  add_library(${target} ${ARGN} ${objects})
  target_compile_features(${target} PUBLIC cxx_std_20)
  foreach(folder IN LISTS folders)
    target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include/${folder}>)
  endforeach()
  target_include_directories(${target} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PUBLIC fmt::fmt PRIVATE LAPACKE::LAPACKE ZLIB::ZLIB Threads::Threads)
  set_target_properties(${target} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION
                        ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} LINKER_LANGUAGE CXX)
endfunction()
