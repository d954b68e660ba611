# The built command carries what cmake/hardening.cmake asked for: cmake -DREADELF=... -DPROGRAM=... -P hardening.cmake
# Not looked for: the note of -fcf-protection, which the linker drops where, as on Debian, libc's start files lack it.
execute_process(COMMAND "${READELF}" --wide --file-header --program-headers --dynamic --dyn-syms "${PROGRAM}"
                OUTPUT_VARIABLE elf COMMAND_ERROR_IS_FATAL ANY)
set(wanted
    "position-independent=Type: +DYN"
    "PIE=FLAGS_1\\)[^\n]*PIE"
    "read-only relocations=GNU_RELRO"
    "immediate binding=FLAGS_1\\)[^\n]*NOW"
    "non-executable stack=GNU_STACK[^\n]* RW "
    "stack protector=__stack_chk_fail"
    "fortified calls=__[a-z]+_chk[ @]")
foreach(line IN LISTS wanted)
  string(REGEX REPLACE "=.*" "" what "${line}")
  string(REGEX REPLACE "^[^=]*=" "" pattern "${line}")
  if(NOT elf MATCHES "${pattern}")
    message(SEND_ERROR "${PROGRAM} has no ${what}: readelf shows no match of '${pattern}'")
  endif()
endforeach()
