#include "nn/conv2d_im2col.h"

/* The block that begins with row `row`. */
static mb_conv2d_block block_at(const mb_conv2d_size *size, size_t row)
{
    const size_t left = size->out_rows - row;
    const size_t rows = left < size->block_rows ? left : size->block_rows;
    return (mb_conv2d_block){.row = row, .rows = rows, .pixels = rows * size->out_columns};
}

void mb_conv2d_im2col_forward(const mb_conv2d_pass *pass, const mb_conv2d_products *products)
{
    const mb_conv2d_size *size = pass->size;
    for (size_t row = 0; row < size->out_rows; row += size->block_rows) {
        mb_conv2d_block block = block_at(size, row);
        products->fill_bias(pass, &block);
        for (; block.group < size->groups; block.group++) {
            products->copy_windows(pass, &block, false);
            products->forward(pass, &block);
        }
    }
}

void mb_conv2d_im2col_grad_weights(const mb_conv2d_pass *pass, const mb_conv2d_products *products)
{
    const mb_conv2d_size *size = pass->size;
    for (size_t row = 0; row < size->out_rows; row += size->block_rows)
        for (mb_conv2d_block block = block_at(size, row); block.group < size->groups;
             block.group++) {
            products->copy_windows(pass, &block, false);
            products->grad_weights(pass, &block);
        }
}

void mb_conv2d_im2col_grad_image(const mb_conv2d_pass *pass, const mb_conv2d_products *products)
{
    const mb_conv2d_size *size = pass->size;
    for (size_t row = 0; row < size->out_rows && pass->d_image != NULL; row += size->block_rows)
        for (mb_conv2d_block block = block_at(size, row); block.group < size->groups;
             block.group++) {
            products->grad_windows(pass, &block);
            products->copy_windows(pass, &block, true);
        }
}
