# glocal_discover_tests(<target>): after each link, asks a doctest program for its test cases and gives each to ctest,
# labelled with its TEST_SUITE. Two cases of one name, or an unknown suite, break the build.
if(CMAKE_SCRIPT_MODE_FILE) # build time: cmake -DPROGRAM=... -DPREFIX=... -DOUTPUT=... -P discover_tests.cmake
  cmake_minimum_required(VERSION 3.22)
  execute_process(
    COMMAND "${PROGRAM}" --list-test-cases --reporters=xml
    OUTPUT_VARIABLE xml
    RESULT_VARIABLE status)
  string(REPLACE "&lt;" "<" xml "${xml}") # TEST_CASE_TEMPLATE names end in <float>
  string(REPLACE "&gt;" ">" xml "${xml}")
  string(REGEX REPLACE "&[a-z]+;|[];\\\\[]" "?" xml "${xml}") # what CMake lists would misread
  string(REGEX MATCHALL "<TestCase name=\"[^\n]*" cases "${xml}")
  if(NOT status EQUAL 0 OR NOT cases)
    message(FATAL_ERROR "${PROGRAM} lists no test cases (status ${status}):\n${xml}")
  endif()

  set(script "")
  foreach(case IN LISTS cases)
    if(NOT case MATCHES "^<TestCase name=\"([^\"]+)\" testsuite=\"(fast|slow|gradcheck|data|golden|course)\"")
      message(FATAL_ERROR "${PREFIX}: the TEST_SUITE of a test case is fast, slow, gradcheck, data, golden or course; found\n  ${case}")
    endif()
    set(name "${CMAKE_MATCH_1}")
    set(label "${CMAKE_MATCH_2}")
    string(REPLACE "," "?" filter "${name}") # a comma separates filters, ? matches any character
    if("${name}" IN_LIST names)
      message(FATAL_ERROR "${PREFIX}: two test cases are called '${name}'")
    endif()
    list(APPEND names "${name}")
    string(APPEND script "add_test([==[${PREFIX}: ${name}]==] [==[${PROGRAM}]==] [==[--test-case=${filter}]==])\n"
                         "set_tests_properties([==[${PREFIX}: ${name}]==] PROPERTIES LABELS ${label} TIMEOUT 300 "
                         "FAIL_REGULAR_EXPRESSION [==[test cases: +0 \\|]==] "
                         "SKIP_REGULAR_EXPRESSION [==[\\[skipped\\]]==])\n")
  endforeach()
  file(WRITE "${OUTPUT}" "${script}")
  return()
endif()

set(glocal_discover_script "${CMAKE_CURRENT_LIST_FILE}")

function(glocal_discover_tests target)
  string(REGEX REPLACE "^test_" "" prefix "${target}")
  set(list "${CMAKE_CURRENT_BINARY_DIR}/${target}.cmake")
  add_custom_command(
    TARGET ${target}
    POST_BUILD
    COMMAND "${CMAKE_COMMAND}" "-DPROGRAM=$<TARGET_FILE:${target}>" -DPREFIX=${prefix} "-DOUTPUT=${list}" -P
            "${glocal_discover_script}"
    BYPRODUCTS "${list}"
    VERBATIM)
  # A program that is not built is a failing test, not a missing one.
  file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/${target}_include.cmake"
       "if(EXISTS [==[${list}]==])\n  include([==[${list}]==])\nelse()\n  add_test(${target}_NOT_BUILT not_built)\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${CMAKE_CURRENT_BINARY_DIR}/${target}_include.cmake")
endfunction()
