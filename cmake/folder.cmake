# One folder, one target, one include root: a forbidden include does not compile.
#
#   glocal_folder(<folder> [SEES <folder>...] [LINK <target>...] [OF <library>])
#
# makes an OBJECT library of <folder>/*.cpp but main.cpp. It sees the headers of <folder> itself and of the folders after
# SEES, and of none below them. A new file is picked up by itself. <library>: `glocal`, or the name of another that its
# objects go into, which sees all of `glocal`.

# Include root of one folder: a directory in which glocal/<folder> holds links to the folder's own headers.
function(glocal_include_root folder result)
  string(REPLACE "/" "_" name "${folder}")
  set(root "${PROJECT_BINARY_DIR}/include/${name}")
  set(${result} "${root}" PARENT_SCOPE)
  file(GLOB headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.h")
  file(GLOB old RELATIVE "${root}/glocal/${folder}" "${root}/glocal/${folder}/*")
  foreach(header IN LISTS headers)
    get_filename_component(file "${header}" NAME)
    list(REMOVE_ITEM old "${file}")
    if(NOT EXISTS "${root}/glocal/${folder}/${file}")
      file(MAKE_DIRECTORY "${root}/glocal/${folder}")
      file(CREATE_LINK "${header}" "${root}/glocal/${folder}/${file}" SYMBOLIC)
    endif()
  endforeach()
  foreach(file IN LISTS old) # a header that has gone
    file(REMOVE "${root}/glocal/${folder}/${file}")
  endforeach()
endfunction()

function(glocal_folder folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OF" "SEES;LINK")
  string(REPLACE "/" "_" name "${folder}")
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.cpp")
  list(REMOVE_ITEM sources "${PROJECT_SOURCE_DIR}/${folder}/main.cpp")
  list(SORT sources)
  list(PREPEND arg_SEES "${folder}")
  foreach(seen IN LISTS arg_SEES)
    glocal_include_root(${seen} root)
    list(APPEND roots "${root}")
  endforeach()
  if(arg_OF)
    list(APPEND roots $<TARGET_PROPERTY:glocal,INTERFACE_INCLUDE_DIRECTORIES>)
  else()
    set(arg_OF glocal)
  endif()
  add_library(glocal_${name} OBJECT ${sources})
  target_include_directories(glocal_${name} PRIVATE ${roots})
  target_link_libraries(glocal_${name} PRIVATE fmt::fmt ${arg_LINK})
  set_property(GLOBAL APPEND PROPERTY ${arg_OF}_folders ${folder})
  set_property(GLOBAL APPEND PROPERTY ${arg_OF}_objects $<TARGET_OBJECTS:glocal_${name}>)
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
  add_library(${target} ${ARGN} ${objects})
  target_compile_features(${target} PUBLIC cxx_std_20)
  foreach(folder IN LISTS folders)
    glocal_include_root(${folder} root)
    target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${root}>)
  endforeach()
  target_include_directories(${target} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PUBLIC fmt::fmt PRIVATE LAPACKE::LAPACKE ZLIB::ZLIB OpenSSL::Crypto
                        Threads::Threads ${glocal_pictures})
  set_target_properties(${target} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION
                        ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} LINKER_LANGUAGE CXX)
endfunction()

# glocal_parts(<library>): the folders that are OF that library in a static one, for its program and its tests.
function(glocal_parts library)
  get_property(objects GLOBAL PROPERTY ${library}_objects)
  get_property(folders GLOBAL PROPERTY ${library}_folders)
  add_library(${library} STATIC ${objects})
  set_target_properties(${library} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${library} PUBLIC glocal fmt::fmt)
  foreach(folder IN LISTS folders)
    glocal_include_root(${folder} root)
    target_include_directories(${library} PUBLIC "${root}")
  endforeach()
endfunction()
