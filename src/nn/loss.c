#include "nn/loss.h"

#include <math.h>
#include <string.h>

/* Rows of a tile, unless the logits come in other blocks. */
enum { LOSS_ROWS = 16 };

typedef struct loss_op {
    mb_loss loss;
    mb_layer_context ctx;
    mb_tiling tiling;
} loss_op;

typedef struct tally_op {
    mb_loss loss;
    mb_epoch_stats *stats;
    mb_matrix logits;
    size_t rows;
} tally_op;

mb_status mb_loss_open(size_t max_rows, mb_arena *arena, mb_loss *loss, mb_error *error)
{
    loss->losses = mb_arena_alloc(arena, max_rows, sizeof *loss->losses);
    loss->predicted = mb_arena_alloc(arena, max_rows, sizeof *loss->predicted);
    return loss->losses != NULL && loss->predicted != NULL
               ? MB_OK
               : mb_fail_memory(error, "loss", max_rows * sizeof *loss->losses);
}

static void run_softmax(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const loss_op *op = context;
    const size_t classes = op->ctx.out.columns;
    const mb_tile part = mb_tiling_tile_in(op->tiling, tile, classes);
    float *d = op->ctx.trainable != NULL ? op->ctx.d_out.data + part.row * classes : NULL;
    const float smoothing =
        op->ctx.trainable != NULL ? (float)op->ctx.trainable->label_smoothing : 0.0f;
    op->ctx.kernels->softmax_cross_entropy(
        part.rows, classes, op->ctx.out.data + part.row * classes, step->batch->labels + part.row,
        1.0f / (float)op->ctx.rows, smoothing, d, op->loss.losses + part.row,
        op->loss.predicted + part.row);
}

mb_status mb_loss_plan(const mb_loss *loss, const mb_layer_context *ctx, mb_error *error)
{
    const mb_tiling writer = mb_plan_writer(ctx->plan, ctx->out.data);
    const mb_tiling tiling =
        mb_tiling_is_rows(writer) ? writer : mb_tiling_rows(ctx->rows, LOSS_ROWS);
    loss_op *op = mb_arena_alloc(ctx->arena, 1, sizeof *op);
    if (op == NULL)
        return mb_fail_memory(error, "loss", sizeof *op);
    *op = (loss_op){*loss, *ctx, tiling};
    mb_phase phase = {.name = "softmax",
                      .run = run_softmax,
                      .op = op,
                      .tiling = tiling,
                      .uses = {{ctx->out.data, .own = true},
                               {&mb_batch_rows},
                               {loss->losses, .writes = true, .own = true}}};
    if (ctx->trainable != NULL)
        phase.uses[3] = (mb_use){ctx->d_out.data, .writes = true, .own = true};
    return mb_plan_add(ctx->plan, &phase, error);
}

static void run_tally(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)tile, (void)scratch;
    const tally_op *op = context;
    mb_epoch_stats *stats = op->stats;
    const uint8_t *labels = step->batch->labels, *predicted = op->loss.predicted;
    double loss = 0.0;
    size_t correct = 0;
    for (size_t row = 0; row < op->rows; row++) {
        loss += (double)op->loss.losses[row];
        correct += predicted[row] == labels[row];
    }
    if (!isfinite(loss)) {
        stats->finite = false;
        return;
    }
    const size_t classes = op->logits.columns;
    for (size_t row = 0; stats->confusion != NULL && row < op->rows; row++)
        stats->confusion[labels[row] * classes + predicted[row]]++;
    if (stats->logits != NULL)
        memcpy(stats->logits + stats->samples * classes, op->logits.data,
               op->rows * classes * sizeof *stats->logits);
    if (stats->step_loss != NULL)
        stats->step_loss[stats->steps] = (float)(loss / (double)op->rows);
    stats->loss += loss;
    stats->correct += correct;
    stats->samples += op->rows;
    stats->steps++;
}

mb_status mb_epoch_stats_plan(const mb_loss *loss, mb_epoch_stats *stats,
                              const mb_layer_context *ctx, mb_error *error)
{
    tally_op *op = mb_arena_alloc(ctx->arena, 1, sizeof *op);
    if (op == NULL)
        return mb_fail_memory(error, "tally", sizeof *op);
    *op = (tally_op){*loss, stats, ctx->out, ctx->rows};
    const mb_phase phase = {
        .name = "tally",
        .run = run_tally,
        .op = op,
        .tiling = {1, 1, 1, 1},
        .uses = {
            {loss->losses}, {ctx->out.data}, {&mb_batch_rows}, {&stats->finite, .writes = true}}};
    return mb_plan_add(ctx->plan, &phase, error);
}
