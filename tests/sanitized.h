// Whether this program runs under a sanitizer, which takes time and memory of its own: limits on them are not asked for
// then, and a test that starts the command hundreds of times, or tries every byte, takes every n-th of its places.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif
