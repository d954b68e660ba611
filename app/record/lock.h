// One process at a time in a folder. The lock belongs to the process: the system takes it back when that ends, however.
#pragma once
#include <filesystem>
#include <string>

namespace glocal::app {

/// flock on the file `.lock` of a folder, in which the holder's process number and host stand; removed on a clean end.
class FolderLock {
 public:
  FolderLock() = default;
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  /// Takes the lock of an existing folder, unless this object holds it already. Throws ValueError naming the holder
  /// when another has it; IoError when the folder cannot be locked, or `.lock` is a link.
  void take(const std::filesystem::path& folder);
  /// The same; "" when the lock is taken, else who has it.
  std::string take_or_holder(const std::filesystem::path& folder);
  void release();  ///< before the end

  /// Who has the lock of a folder, in its own words; "" when nobody has it. A process that asks for it at this moment
  /// could be refused: for folders where nothing seems to go on.
  static std::string holder_of(const std::filesystem::path& folder);

  static constexpr const char* file_name = ".lock";

 private:
  int descriptor_ = -1;
  std::filesystem::path path_;
};

}  // namespace glocal::app
