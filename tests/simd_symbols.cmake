# What a simd/*.cpp emits outside its own namespace could be linked in place of the same function compiled for every
# machine, and crash older ones: cmake -DNM=... -DISA=... -DOBJECTS=... -P simd_symbols.cmake
execute_process(COMMAND "${NM}" -C --defined-only ${OBJECTS} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[0-9a-f]+ [A-Zuvw] [^\n]+" shared "${symbols}")
list(LENGTH shared count)
if(count EQUAL 0)
  message(FATAL_ERROR "no symbols in ${OBJECTS}: the check reads nothing")
endif()
list(FILTER shared EXCLUDE REGEX "glocal::simd::${ISA}::")
if(shared)
  list(JOIN shared "\n" shared)
  message(FATAL_ERROR "emitted outside glocal::simd::${ISA}:\n${shared}")
endif()
