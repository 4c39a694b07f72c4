#include "nn/loss.h"

#include <math.h>
#include <mnist_blas/training.h>
#include <string.h>

/* Rows of a tile, unless the logits are written in other blocks of rows. */
enum { LOSS_ROWS = 16 };

typedef struct stats_data {
    mb_loss loss;
    mb_epoch_stats *stats;
} stats_data;

mb_status mb_loss_open(size_t max_rows, mb_arena *arena, mb_loss *loss, mb_error *error)
{
    loss->losses = mb_arena_alloc(arena, max_rows, sizeof *loss->losses);
    loss->predicted = mb_arena_alloc(arena, max_rows, sizeof *loss->predicted);
    return loss->losses != NULL && loss->predicted != NULL
               ? MB_OK
               : mb_fail_memory(error, "loss", max_rows * sizeof *loss->losses);
}

double mb_training_loss_min(const mb_training_options *options, size_t classes)
{
    const double other = options->label_smoothing / (double)classes;
    const double right = 1.0 - options->label_smoothing + other;
    if (!(other > 0.0))
        return 0.0;
    return -right * log(right) - (double)(classes - 1) * other * log(other);
}

static void run_softmax(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const mb_loss *loss = op->data;
    const mb_trainable *trainable = op->ctx.trainable;
    const size_t classes = op->ctx.out.columns;
    const mb_tile part = mb_tiling_tile_in(op->tiling, args->tile, classes);
    op->ctx.kernels->softmax_cross_entropy(
        part.rows, classes, op->ctx.out.data + part.row * classes, op->ctx.batch->labels + part.row,
        1.0f / (float)op->ctx.rows, trainable != NULL ? (float)trainable->label_smoothing : 0.0f,
        trainable != NULL ? op->ctx.d_out.data + part.row * classes : NULL, loss->losses + part.row,
        loss->predicted + part.row);
}

void mb_loss_plan(const mb_loss *loss, const mb_layer_context *ctx)
{
    const mb_tiling writer = mb_plan_writer(ctx->plan, ctx->out.data);
    const float *d_out = ctx->trainable != NULL ? ctx->d_out.data : NULL;
    mb_layer_add_phase(NULL, ctx, "softmax", run_softmax,
                       mb_tiling_is_rows(writer) ? writer : mb_tiling_rows(ctx->rows, LOSS_ROWS),
                       MB_USES(mb_reads_own(ctx->out.data), mb_reads(ctx->batch->labels),
                               mb_writes_own(loss->losses), mb_writes_own(loss->predicted),
                               mb_writes_own(d_out)),
                       0, loss);
}

static void run_stats(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const stats_data *data = op->data;
    mb_epoch_stats *stats = data->stats;
    const uint8_t *labels = op->ctx.batch->labels, *predicted = data->loss.predicted;
    const size_t rows = op->ctx.rows, classes = op->ctx.out.columns;
    double loss = 0.0;
    size_t correct = 0;
    for (size_t row = 0; row < rows; row++) {
        loss += (double)data->loss.losses[row];
        correct += predicted[row] == labels[row];
    }
    if (!isfinite(loss)) {
        stats->finite = false;
        return;
    }
    for (size_t row = 0; stats->confusion != NULL && row < rows; row++)
        stats->confusion[labels[row] * classes + predicted[row]]++;
    if (stats->step_loss != NULL)
        stats->step_loss[stats->steps] = (float)(loss / (double)rows);
    stats->loss += loss;
    stats->correct += correct;
    stats->samples += rows;
    stats->steps++;
}

void mb_epoch_stats_plan(const mb_loss *loss, mb_epoch_stats *stats, const mb_layer_context *ctx)
{
    stats_data *data = mb_arena_alloc(ctx->arena, 1, sizeof *data);
    if (data == NULL)
        return;
    *data = (stats_data){*loss, stats};
    mb_layer_add_phase(NULL, ctx, "statistics", run_stats, mb_tiling_one(),
                       MB_USES(mb_reads(loss->losses), mb_reads(loss->predicted),
                               mb_reads(ctx->out.data), mb_reads(ctx->batch->labels),
                               mb_writes(&stats->finite)),
                       0, data);
}
