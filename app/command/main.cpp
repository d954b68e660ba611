// The command `glocal`.
#include <cstdio>
#include <cstdlib>
#include <new>

#include <glocal/app/command/command.h>
#include <glocal/app/terminal/say.h>
#include <glocal/app/terminal/signals.h>

// Sanitizers have an operator new of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_MEMORY__)
namespace {

// std::bad_alloc does not say how much was asked for; this one does.
struct RefusedMemory : std::bad_alloc {
  explicit RefusedMemory(std::size_t bytes) {
    std::snprintf(text, sizeof text,
                  "[memory] the system refused %zu bytes; use a smaller batch, model or file, or free memory", bytes);
  }
  const char* what() const noexcept override { return text; }
  char text[160];
};

}  // namespace

void* operator new(std::size_t bytes) {
  if (void* block = std::malloc(bytes > 0 ? bytes : 1)) return block;
  throw RefusedMemory(bytes);
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
#endif

int main(int argc, char** argv) {
  glocal::app::open_standard_streams();
  glocal::app::catch_signals();
  return glocal::app::run_command({argv + 1, argv + argc});
}
