/* One sample through a convolution, forward and backward, block of rows by block. */
#include "nn/conv2d.h"

static const mb_conv2d_form *form_of(const mb_layer *layer)
{
    return layer->out_format.planes ? &mb_conv2d_planes : &mb_conv2d_pixels;
}

/* The block that begins with row `row`. */
static mb_conv2d_block block_at(const mb_conv2d_size *size, size_t row)
{
    const size_t left = size->out_rows - row;
    const size_t rows = left < size->block_rows ? left : size->block_rows;
    return (mb_conv2d_block){.row = row, .rows = rows, .pixels = rows * size->out_columns};
}

void mb_conv2d_run_forward(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    const mb_conv2d_op *op = context;
    const mb_conv2d_form *form = form_of(op->layer);
    const mb_conv2d_size *size = &op->size;
    const mb_conv2d_scratch room = mb_conv2d_scratch_of(op, scratch);
    const float *image = mb_conv2d_load(op, mb_layer_input_row(&op->ctx, step, tile), &room);
    float *out = mb_matrix_row(&op->ctx.out, step, tile);
    if (mb_conv2d_sweeps(op->layer)) {
        mb_conv2d_sweep_forward(op, image, out);
        return;
    }
    for (size_t row = 0; row < size->out_rows; row += size->block_rows) {
        mb_conv2d_block block = block_at(size, row);
        form->fill(op, &block, out);
        for (; block.group < size->groups; block.group++) {
            form->windows(op, &block, image, room.windows);
            form->multiply(op, &block, room.windows, out);
        }
    }
}

static void multiply_back(const mb_conv2d_op *op, size_t tile, const float *image,
                          const float *d_out, float *d_image, const mb_conv2d_scratch *room)
{
    const mb_conv2d_form *form = form_of(op->layer);
    const mb_conv2d_size *size = &op->size;
    const bool sweeps = mb_conv2d_sweeps(op->layer);
    float *gradient = mb_conv2d_partial(op, tile);
    form->sum(op, d_out, gradient + size->weights);
    if (sweeps)
        mb_conv2d_sweep_gradient(op, image, d_out, gradient);
    for (size_t row = 0; row < size->out_rows; row += size->block_rows)
        for (mb_conv2d_block block = block_at(size, row); block.group < size->groups;
             block.group++) {
            if (!sweeps) {
                form->windows(op, &block, image, room->windows);
                form->d_weights(op, &block, room->windows, d_out, gradient);
            }
            if (d_image == NULL)
                continue;
            form->d_windows(op, &block, d_out, room->d_windows);
            form->windows_back(op, &block, room->d_windows, d_image);
        }
}

void mb_conv2d_run_backward(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    const mb_conv2d_op *op = context;
    const mb_conv2d_scratch room = mb_conv2d_scratch_of(op, scratch);
    const float *image = mb_conv2d_load(op, mb_layer_input_row(&op->ctx, step, tile), &room);
    const float *d_out = mb_matrix_row(&op->ctx.d_out, step, tile);
    float *d_in = op->ctx.d_in.data != NULL ? mb_matrix_row(&op->ctx.d_in, step, tile) : NULL;
    float *d_image = d_in != NULL ? mb_conv2d_begin(op, d_in, &room) : NULL;
    if (mb_conv2d_picks(op->layer))
        mb_conv2d_picks_backward(op, tile, image, d_out, d_image, &room);
    else
        multiply_back(op, tile, image, d_out, d_image, &room);
    if (d_in != NULL)
        mb_conv2d_store(op, d_image, d_in, &room);
}
