# Files inside the library: a program built on it needs no data directory.
#
#   glocal_embed(<folder> <file> <symbol>)
#
# adds the bytes of <file> to the target glocal_<folder>. Declare them where they are used:
#
#   namespace glocal::embedded { extern const std::span<const unsigned char> <symbol>; }
if(CMAKE_SCRIPT_MODE_FILE) # build time: cmake -DINPUT=... -DOUTPUT=... -DSYMBOL=... -P embed.cmake
  cmake_minimum_required(VERSION 3.22)
  file(READ "${INPUT}" bytes HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}") # 16 bytes a line
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  file(WRITE "${OUTPUT}" "#include <span>

namespace glocal::embedded {
static const unsigned char bytes[] = {
${bytes}};
extern const std::span<const unsigned char> ${SYMBOL};
constinit const std::span<const unsigned char> ${SYMBOL}{bytes, sizeof bytes};
}  // namespace glocal::embedded
")
  return()
endif()

set(glocal_embed_script "${CMAKE_CURRENT_LIST_FILE}")

function(glocal_embed folder file symbol)
  if(NOT TARGET glocal_${folder} OR NOT EXISTS "${PROJECT_SOURCE_DIR}/${file}")
    message(STATUS "glocal: ${file} is not there to embed yet")
    return()
  endif()
  set(output "${PROJECT_BINARY_DIR}/embedded/${symbol}.cpp")
  add_custom_command(
    OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DINPUT=${PROJECT_SOURCE_DIR}/${file}" "-DOUTPUT=${output}" -DSYMBOL=${symbol} -P
            "${glocal_embed_script}"
    DEPENDS "${PROJECT_SOURCE_DIR}/${file}" "${glocal_embed_script}"
    COMMENT "Embedding ${file}"
    VERBATIM)
  target_sources(glocal_${folder} PRIVATE "${output}")
endfunction()
