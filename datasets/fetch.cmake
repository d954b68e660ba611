# Downloads a dataset with CMake alone and checks every byte of it:
#
#   cmake -DDATASET=mnist [-DDESTINATION=folder] [-DMIRROR=url] -P datasets/fetch.cmake
#
#   DATASET      mnist, fashion-mnist, kmnist, cifar10, cifar100, emnist-letters (or another division: all come in one
#                archive), svhn or svhn-extra
#   DESTINATION  default: $GLOCAL_DATA, else $XDG_CACHE_HOME/glocal/datasets or ~/.cache/glocal/datasets
#   MIRROR       a folder's url tried before the official ones: https://, http:// or file://
#   TABLE        a CMake file that sets `folder`, `mirrors` and `archives` as below, for a dataset of your own
#
# Each archive arrives as <name>.part, is compared in size and SHA-256, and only then renamed. A broken-off download is
# continued by the next run; a wrong file is deleted and the next mirror tried.
cmake_minimum_required(VERSION 3.22)

# archives: name|bytes|sha256 each. The same numbers are in datasets/registry.cpp; a test compares them.
set(folder "${DATASET}")
set(inside "") # the folder that an archive holds, where it is called otherwise
set(emnist "emnist-balanced" "emnist-byclass" "emnist-bymerge" "emnist-digits" "emnist-letters" "emnist-mnist")
if(DEFINED TABLE)
  include("${TABLE}")
elseif(DATASET STREQUAL "mnist")
  set(licence "CC BY-SA 3.0; cite Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Proceedings of the IEEE 86(11), 1998")
  set(mirrors "https://ossci-datasets.s3.amazonaws.com/mnist/" "https://storage.googleapis.com/cvdf-datasets/mnist/")
  set(archives
      "train-images-idx3-ubyte.gz|9912422|440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
      "train-labels-idx1-ubyte.gz|28881|3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
      "t10k-images-idx3-ubyte.gz|1648877|8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
      "t10k-labels-idx1-ubyte.gz|4542|f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6")
elseif(DATASET STREQUAL "fashion-mnist")
  set(licence "MIT; cite H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747, 2017")
  set(mirrors "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/")
  set(archives
      "train-images-idx3-ubyte.gz|26421880|3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
      "train-labels-idx1-ubyte.gz|29515|a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
      "t10k-images-idx3-ubyte.gz|4422102|346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
      "t10k-labels-idx1-ubyte.gz|5148|67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5")
elseif(DATASET STREQUAL "kmnist")
  set(licence "CC BY-SA 4.0; cite T. Clanuwat et al., arXiv:1812.01718, 2018")
  set(mirrors "http://codh.rois.ac.jp/kmnist/dataset/kmnist/")
  set(archives
      "train-images-idx3-ubyte.gz|18165135|51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"
      "train-labels-idx1-ubyte.gz|29497|e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"
      "t10k-images-idx3-ubyte.gz|3041136|edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"
      "t10k-labels-idx1-ubyte.gz|5120|20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c")
elseif(DATASET STREQUAL "cifar10" OR DATASET STREQUAL "cifar100")
  set(licence "none stated; cite A. Krizhevsky, technical report, University of Toronto, 2009")
  set(mirrors "https://www.cs.toronto.edu/~kriz/")
  if(DATASET STREQUAL "cifar10")
    set(folder "cifar-10-batches-bin")
    set(archives "cifar-10-binary.tar.gz|170052171|c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd")
  else()
    set(folder "cifar-100-binary")
    set(archives "cifar-100-binary.tar.gz|168513733|58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec")
  endif()
elseif(DATASET IN_LIST emnist)
  set(licence "none stated; cite G. Cohen, S. Afshar, J. Tapson, A. van Schaik, arXiv:1702.05373, 2017")
  set(mirrors "https://biometrics.nist.gov/cs_links/EMNIST/" "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/")
  set(folder "emnist")
  set(inside "gzip")
  set(archives "gzip.zip|561753746|fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e")
elseif(DATASET STREQUAL "svhn" OR DATASET STREQUAL "svhn-extra")
  set(licence "for research alone; cite Y. Netzer et al., NIPS workshop on deep learning, 2011")
  set(mirrors "http://ufldl.stanford.edu/housenumbers/")
  set(folder "svhn")
  set(archives "train_32x32.mat|182040794|435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8"
               "test_32x32.mat|64275384|cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b")
  if(DATASET STREQUAL "svhn-extra")
    list(APPEND archives
         "extra_32x32.mat|1329278602|a133a4beb38a00fcdda90c9489e0c04f900b660ce8a316a5e854838379a71eb3")
  endif()
else()
  message(FATAL_ERROR "unknown DATASET '${DATASET}'; known are\n"
                      "  mnist, fashion-mnist, kmnist, cifar10, cifar100, ${emnist}, svhn, svhn-extra")
endif()
if(inside STREQUAL "")
  set(inside "${folder}")
endif()

if(NOT DEFINED DESTINATION)
  if(NOT "$ENV{GLOCAL_DATA}" STREQUAL "")
    set(DESTINATION "$ENV{GLOCAL_DATA}")
  elseif(NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
    set(DESTINATION "$ENV{XDG_CACHE_HOME}/glocal/datasets")
  else()
    set(DESTINATION "$ENV{HOME}/.cache/glocal/datasets")
  endif()
endif()
get_filename_component(DESTINATION "${DESTINATION}" ABSOLUTE)
if(DEFINED MIRROR)
  if(NOT MIRROR MATCHES "/$")
    string(APPEND MIRROR "/")
  endif()
  list(PREPEND mirrors "${MIRROR}")
endif()

# Appends the missing rest of <part> from <url>, or starts anew; `status` is what file(DOWNLOAD) says. Small files
# show no progress.
function(download url part bytes)
  set(progress "")
  if(bytes GREATER 1000000)
    set(progress SHOW_PROGRESS)
  endif()
  set(have 0)
  if(EXISTS "${part}")
    file(SIZE "${part}" have)
  endif()
  if(have GREATER 0 AND have LESS bytes AND CMAKE_VERSION VERSION_GREATER_EQUAL 3.24)
    message(STATUS "  continuing after ${have} bytes")
    file(DOWNLOAD "${url}" "${part}.rest" STATUS status ${progress} INACTIVITY_TIMEOUT 60 RANGE_START ${have})
    file(SIZE "${part}.rest" got)
    math(EXPR sum "${have} + ${got}")
    if(sum LESS_EQUAL bytes) # a server that ignores the range sends everything again
      execute_process(COMMAND "${CMAKE_COMMAND}" -E cat "${part}" "${part}.rest" OUTPUT_FILE "${part}.joined")
      file(RENAME "${part}.joined" "${part}")
      file(REMOVE "${part}.rest")
    else()
      file(RENAME "${part}.rest" "${part}")
    endif()
  else()
    file(DOWNLOAD "${url}" "${part}" STATUS status ${progress} INACTIVITY_TIMEOUT 60)
  endif()
  set(status "${status}" PARENT_SCOPE)
endfunction()

# Sets `problem` to what is wrong with <file>, or to nothing.
function(compare file bytes sha256)
  file(SIZE "${file}" size)
  file(SHA256 "${file}" hash)
  set(problem "" PARENT_SCOPE)
  if(NOT size EQUAL bytes)
    set(problem "expected ${bytes} bytes, found ${size}" PARENT_SCOPE)
  elseif(NOT hash STREQUAL sha256)
    set(problem "expected SHA-256 ${sha256}, found ${hash}" PARENT_SCOPE)
  endif()
endfunction()

function(fetch name bytes sha256 target)
  if(EXISTS "${target}")
    compare("${target}" ${bytes} ${sha256})
    if(problem STREQUAL "")
      message(STATUS "${name}: already there")
      return()
    endif()
    message(STATUS "${name}: replacing the file that is there: ${problem}")
  endif()
  set(problems "")
  foreach(mirror IN LISTS mirrors)
    message(STATUS "${name}: ${bytes} bytes from ${mirror}")
    download("${mirror}${name}" "${target}.part" ${bytes})
    list(POP_FRONT status code)
    if(code EQUAL 0)
      compare("${target}.part" ${bytes} ${sha256})
      if(problem STREQUAL "")
        file(RENAME "${target}.part" "${target}")
        return()
      endif()
      file(REMOVE "${target}.part")
    else()
      set(problem "${status}")
      file(SIZE "${target}.part" size)
      if(size EQUAL 0 OR size GREATER_EQUAL bytes)
        file(REMOVE "${target}.part")
      endif()
    endif()
    message(STATUS "  ${problem}")
    string(APPEND problems "\n  ${mirror}${name}: ${problem}")
  endforeach()
  message(FATAL_ERROR "${name} could not be fetched:${problems}\nGive another MIRROR, or copy the files yourself.")
endfunction()

# A .tar.gz or .zip is unpacked beside its place and moved there whole, so a half-unpacked folder is never taken for data.
function(unpack archive)
  message(STATUS "unpacking ${archive}")
  file(REMOVE_RECURSE "${archive}.unpacked")
  file(ARCHIVE_EXTRACT INPUT "${archive}" DESTINATION "${archive}.unpacked")
  if(NOT IS_DIRECTORY "${archive}.unpacked/${inside}")
    message(FATAL_ERROR "${archive} holds no folder ${inside}")
  endif()
  file(RENAME "${archive}.unpacked/${inside}" "${DESTINATION}/${folder}")
  file(REMOVE_RECURSE "${archive}.unpacked")
  file(REMOVE "${archive}")
endfunction()

message(STATUS "${DATASET}: licence ${licence}")
foreach(row IN LISTS archives)
  string(REPLACE "|" ";" row "${row}")
  list(GET row 0 name)
  list(GET row 1 bytes)
  list(GET row 2 sha256)
  if(name MATCHES "\\.(tar\\.gz|zip)$")
    if(IS_DIRECTORY "${DESTINATION}/${folder}")
      message(STATUS "${name}: already unpacked")
    else()
      file(MAKE_DIRECTORY "${DESTINATION}")
      fetch(${name} ${bytes} ${sha256} "${DESTINATION}/${name}")
      unpack("${DESTINATION}/${name}")
    endif()
  else()
    file(MAKE_DIRECTORY "${DESTINATION}/${folder}")
    fetch(${name} ${bytes} ${sha256} "${DESTINATION}/${folder}/${name}")
  endif()
endforeach()
message(STATUS "${DATASET} is in ${DESTINATION}/${folder}")
