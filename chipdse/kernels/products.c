/* `numerics.matmul` where a compiler is installed. */
#include "products.h"

void matrix_product(int64_t rows, int64_t terms, int64_t columns, const double *left,
                    const double *right, double *out)
{
    product(rows, terms, columns, left, right, out);
}
