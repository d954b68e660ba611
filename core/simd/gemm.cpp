#include <glocal/core/simd/gemm.h>

#include <cstdint>

#include <glocal/core/simd/gemm_dot.h>
#include <glocal/core/simd/gemm_pack.h>
#include <glocal/core/simd/gemm_tile.h>
#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

// Blocks: (k, 2 vectors) of B and a few rows of A pass through the first cache, `a_size` of A stays in the second.
template <class T>
constexpr std::int64_t most_k = 3200 / sizeof(T);
template <class T>
constexpr std::int64_t a_size = 262144 / sizeof(T);
constexpr std::int64_t most_n = 512;

// Measured: so many rows repay a copy of B (fewer where its rows lie so far apart that they share few sets of a cache),
// so many columns one of A; or a few, where the rows of a transposed A, of which a tile reads a few numbers each, come
// from behind the second cache.
constexpr std::int64_t rows_in_place = 160, far_rows_in_place = 40, far = 4096, columns_in_place = 256,
                       distant_columns_in_place = 64, second_cache = 1 << 20;

std::int64_t pieces(std::int64_t n, std::int64_t most) { return n <= most ? 1 : (n + most - 1) / most; }

template <class T>
Product<T> swapped(const Product<T>& p) {  // C^T = B^T A^T
  Product<T> s = p;
  s.m = p.n, s.n = p.m;
  s.a = p.b, s.a_row = p.b_col, s.a_col = p.b_row;
  s.b = p.a, s.b_row = p.a_col, s.b_col = p.a_row;
  return s;
}

// Transposed rows of B must be packed, at a cost per number of it, unless A and B change places; then the tiles are
// transposed on their way to C. And a few columns do not fill vectors, which the rows of a transposed A do.
template <class T>
bool swap_pays(const Product<T>& p) {
  const bool a_across = p.a_col != 1, b_across = p.b_col != 1;
  if (b_across) return a_across || p.k * (p.n - p.m) > 3 * p.m * p.n;
  return a_across && p.n <= 2 * most_rows(2) && p.m > p.n && p.n % lanes<T> != 0 && p.k > 16;
}

template <class T>
class Plan {
 public:
  Plan(const Product<T>& p, bool transposed, T* scratch)
      : p_(p), transposed_(transposed), packed_a_(scratch), packed_b_(scratch + a_size<T>) {
    vectors_ = p.m <= most_rows(most_vectors) && p.n > 2 * lanes<T> ? most_vectors : 2;
    width_ = vectors_ * lanes<T>;
    rows_ = pieces(p.m, most_rows(vectors_));
    strided_ = p.a_col == 1;
    const std::int64_t in_place = p.b_row * std::int64_t{sizeof(T)} < far ? rows_in_place : far_rows_in_place;
    pack_b_ = p.b_col != 1 || p.m > in_place || (!masks && p.n % lanes<T> != 0);
    const bool distant = !strided_ && p.k * p.a_col * std::int64_t{sizeof(T)} > second_cache;
    pack_a_ = rows_ > 1 && p.n > (distant ? distant_columns_in_place : columns_in_place);
  }

  void run() {
    const std::int64_t k_blocks = pieces(p_.k, most_k<T>), n_blocks = pieces(p_.n, most_n);
    for (std::int64_t jb = 0; jb < n_blocks; ++jb) {
      begin_ = cut(jb, n_blocks), end_ = cut(jb + 1, n_blocks);
      for (std::int64_t kb = 0; kb < k_blocks; ++kb) {
        l_ = kb * p_.k / k_blocks;
        block_.k = (kb + 1) * p_.k / k_blocks - l_;
        block_.alpha = p_.alpha;
        block_.beta = kb == 0 ? p_.beta : T(1);
        block_.relu = p_.relu && kb + 1 == k_blocks;
        block_.transposed = transposed_;
        block_.c_step = p_.c_row;
        bias_ = kb + 1 == k_blocks ? p_.bias : nullptr;
        block_.plain = block_.alpha == T(1) && block_.beta == T(0) && !block_.relu && !bias_ && !transposed_;
        run_block();
      }
    }
  }

 private:
  // Columns are cut at whole panels.
  std::int64_t cut(std::int64_t piece, std::int64_t of) const {
    return piece == of ? p_.n : p_.n / width_ * piece / of * width_;
  }
  std::int64_t row(std::int64_t t) const { return t * p_.m / rows_; }

  void run_block() {
    if (pack_b_) {
      T* to = packed_b_;
      for (std::int64_t j = begin_; j < end_; j += width_, to += block_.k * width_) {
        const std::int64_t n = least(width_, end_ - j);
        if (p_.b_col == 1)
          copy_rows(block_.k, n, p_.b + l_ * p_.b_row + j, p_.b_row, width_, to);
        else
          copy_transposed(block_.k, n, p_.b + l_ + j * p_.b_col, p_.b_col, width_, to);
      }
    }
    block_.b_step = pack_b_ ? width_ : p_.b_row;
    if (!pack_a_) {
      block_.a_step = strided_ ? p_.a_row : p_.a_col;
      return run_tiles(0, rows_, p_.a + l_ * p_.a_col, p_.a_row);
    }
    const std::int64_t step = (block_.k / lanes<T> + 2) * lanes<T>;  // not a power of two
    const std::int64_t most = a_size<T> / step / most_rows(2), blocks = pieces(rows_, most);
    for (std::int64_t ib = 0; ib < blocks; ++ib) {
      const std::int64_t first = ib * rows_ / blocks, last = (ib + 1) * rows_ / blocks;
      const T* const from = p_.a + l_ * p_.a_col;
      if (strided_) {
        copy_rows(row(last) - row(first), block_.k, from + row(first) * p_.a_row, p_.a_row, step, packed_a_);
        block_.a_step = step;
        run_tiles(first, last, packed_a_ - row(first) * step, step);
      } else {
        for (std::int64_t t = first; t < last; ++t)
          copy_columns(block_.k, row(t + 1) - row(t), from + row(t), p_.a_col,
                       packed_a_ + (row(t) - row(first)) * block_.k);
        block_.a_step = 0;
        run_tiles(first, last, packed_a_ - row(first) * block_.k, block_.k);
      }
    }
  }

  // Row i of A begins at a + i a_row.
  void run_tiles(std::int64_t first, std::int64_t last, const T* a, std::int64_t a_row) {
    const bool gapless = block_.a_step == 0;
    for (std::int64_t j = begin_; j < end_; j += width_) {
      const std::int64_t n = least(width_, end_ - j);
      const std::int64_t vectors = (n + lanes<T> - 1) / lanes<T>;
      const bool masked = always_masked || (!pack_b_ && n % lanes<T> != 0);
      const T* const b = pack_b_ ? packed_b_ + (j - begin_) * block_.k : p_.b + l_ * p_.b_row + j;
      const auto& tile = tiles<T>.at[strided_][masked][vectors];
      for (std::int64_t t = first; t < last; ++t) {
        const std::int64_t i = row(t), rows = row(t + 1) - i;
        if (gapless) block_.a_step = rows;
        T* const c = transposed_ ? p_.c + j * p_.c_row + i : p_.c + i * p_.c_row + j;
        const T* const bias = bias_ ? bias_ + (transposed_ ? i : j) : nullptr;
        tile[rows](block_, a + i * a_row, b, c, bias, n);
      }
    }
  }

  const Product<T>& p_;
  bool transposed_;
  T *packed_a_, *packed_b_;
  int vectors_;
  std::int64_t width_, rows_;
  bool strided_, pack_a_, pack_b_;
  std::int64_t begin_, end_, l_;  // columns and first k of the block
  const T* bias_;
  Block<T> block_;
};

template <class T>
void run(const Product<T>& product, T* scratch) {
  if (product.m == 0 || product.n == 0) return;
  if (product.a_col == 1 && product.b_row == 1 && least(product.m, product.n) <= lanes<T> / 2)
    return dot_products(product);
  if (!swap_pays(product)) return Plan<T>(product, false, scratch).run();
  const Product<T> s = swapped(product);
  Plan<T>(s, true, scratch).run();
}

template <class T>
constexpr std::int64_t scratch_size = a_size<T> + most_k<T>*(most_n + most_vectors * lanes<T>);

}  // namespace

constinit const GemmKernels<float> gemm_f32{run<float>, scratch_size<float>};
constinit const GemmKernels<double> gemm_f64{run<double>, scratch_size<double>};

}  // namespace glocal::simd::GLOCAL_ISA
