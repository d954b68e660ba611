#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <glocal/core/tensor.h>

using namespace glocal;

TEST_SUITE("fast") {
  TEST_CASE("tensor: makers give the numbers asked for") {
    CHECK(Tensor::full({2, 2}, 2.5, DType::f64).at(3) == 2.5);
    CHECK(Tensor::zeros({3}).dtype() == DType::f32);
    CHECK(Tensor::ones({3}, DType::i32).at(2) == 1);
    CHECK(Tensor::scalar(-1.5).item() == -1.5);
    const Tensor t = Tensor::from<double>({1, 2, 3, 4, 5, 6}, {2, 3});
    CHECK(t.dtype() == DType::f64);
    CHECK(t.dim(-1) == 3);
    CHECK(t.at(4) == 5);
    CHECK(t.bytes() == 48);
    CHECK_THROWS_AS(Tensor::from<float>({1, 2, 3}, {2, 2}), ShapeError);
  }

  TEST_CASE("tensor: copies share, clones and conversions do not") {
    Tensor a = Tensor::from<float>({1, 2, 3, 4}, {4});
    CHECK(a.sole_owner());
    const Tensor b = a, c = a.clone(), d = a.reshape({2, 2});
    CHECK_FALSE(a.sole_owner());
    a.data<float>()[0] = 9;
    CHECK(b.at(0) == 9);
    CHECK(d.at(0) == 9);
    CHECK(c.at(0) == 1);
    CHECK(a.to(DType::f32).raw() == a.raw());
    CHECK(a.to(DType::f64).at(0) == 9);
    CHECK(Tensor::from<double>({1.9, -1.9}, {2}).to(DType::i32).at(1) == -1);
    CHECK_THROWS_AS(a.reshape({3}), ShapeError);
  }

  TEST_CASE("tensor: NaN and numbers beyond 32 bits have no i32") {
    for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL, 2147483648.0, -2147483649.0, 1e300}) {
      CHECK_THROWS_AS(Tensor::from<double>({1, bad}, {2}).to(DType::i32), NumericError);
      CHECK_THROWS_AS(Tensor::full({2}, bad, DType::i32), NumericError);
    }
    CHECK_THROWS_AS(Tensor::full({1}, std::nan(""), DType::f32).to(DType::i32), NumericError);
    CHECK_THROWS_AS(Tensor::full({1}, 2147483648.0, DType::f32).to(DType::i32), NumericError);
    CHECK(Tensor::scalar(2147483647.9, DType::f64).to(DType::i32).item() == 2147483647.0);
    CHECK(Tensor::scalar(-2147483648.9, DType::f64).to(DType::i32).item() == -2147483648.0);
    CHECK(Tensor::scalar(-2147483648.0, DType::f32).to(DType::i32).item() == -2147483648.0);
  }

  TEST_CASE("tensor: wrong element type, index and emptiness are refused") {
    const Tensor a = Tensor::zeros({2});
    CHECK_THROWS_AS(a.data<double>(), DTypeError);
    CHECK_THROWS_AS(a.at(2), ShapeError);
    CHECK_THROWS_AS(a.at(-1), ShapeError);
    CHECK_THROWS_AS(a.item(), ShapeError);
    const Tensor empty;
    CHECK_FALSE(static_cast<bool>(empty));
    CHECK_THROWS_AS(empty.data<float>(), ShapeError);
    CHECK_THROWS_AS(empty.item(), ShapeError);
    CHECK_FALSE(static_cast<bool>(empty.clone()));
    CHECK_THROWS_AS(visit_float(DType::i32, "sqrt", []<class T>() { return sizeof(T); }), DTypeError);
    CHECK(visit_float(DType::f64, "sqrt", []<class T>() { return sizeof(T); }) == 8);
  }

  TEST_CASE("tensor: a shape without numbers is fine") {
    const Tensor a({0, 3});
    CHECK(a.size() == 0);
    CHECK(a.span<float>().empty());
    CHECK(is_finite(a));
    CHECK(same_bits(a, a.clone()));
  }

  TEST_CASE("tensor: is_finite sees NaN and both infinities anywhere") {
    for (const double bad :
         {std::nan(""), std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()})
      for (const DType dtype : {DType::f32, DType::f64}) {
        CHECK(is_finite(Tensor::full({5}, 1, dtype)));
        CHECK_FALSE(is_finite(Tensor::full({5}, bad, dtype)));
      }
    Tensor last = Tensor::ones({9}, DType::f64);
    last.data<double>()[8] = std::nan("");
    CHECK_FALSE(is_finite(last));
    CHECK(is_finite(Tensor::ones({2}, DType::i32)));
  }

  TEST_CASE("tensor: same_bits tells 0 from -0, shapes and types") {
    CHECK(same_bits(Tensor::full({2}, std::nan("")), Tensor::full({2}, std::nan(""))));
    CHECK_FALSE(same_bits(Tensor::full({2}, 0.0), Tensor::full({2}, -0.0)));
    CHECK_FALSE(same_bits(Tensor::zeros({2, 3}), Tensor::zeros({3, 2})));
    CHECK_FALSE(same_bits(Tensor::zeros({2}), Tensor::zeros({2}, DType::i32)));
    CHECK(same_bits(Tensor{}, Tensor{}));
    CHECK_FALSE(same_bits(Tensor{}, Tensor::zeros({1})));
  }
}
