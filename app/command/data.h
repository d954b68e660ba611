// `glocal data`: list, fetch, verify, info, show, save.
#pragma once
#include <cstdint>
#include <string>

namespace glocal::app {

/// What the command line of any of the sub-commands may say.
struct DataArguments {
  std::string name, data_dir, mirror;
  std::string output;                           ///< of show: a PNG file, empty: in the terminal; of save: a .npz
  std::string part = "train", labels = "fine";  ///< train or test; fine or coarse
  std::string layout = "auto", loss = "cross-entropy";  ///< as --layout and --loss of glocal train
  std::int64_t count = 16;                              ///< of show: how many images
};

// Each prints its result on stdout. All throw ValueError for an unknown name, DataError, IoError.
void list_sets(const DataArguments& arguments);      ///< every known data set, and where it was found
void fetch_set(const DataArguments& arguments);      ///< into data_dir, $GLOCAL_DATA or the cache, checked
void verify_set(const DataArguments& arguments);     ///< DataError when a file is not the official one
void show_set_info(const DataArguments& arguments);  ///< counts, moments, images per class, licence
void show_images(const DataArguments& arguments);    ///< the first `count`
void save_arrays(const DataArguments& arguments);    ///< both parts as they were read, a .npz that npz:FILE reads back

}  // namespace glocal::app
