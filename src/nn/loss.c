#include "nn/loss.h"

#include <math.h>
#include <string.h>

/* Rows of a tile, unless the logits come in other blocks. */
enum { LOSS_ROWS = 16 };

typedef struct loss_op {
    mb_loss loss;
    mb_site site;
    mb_cut cut;
} loss_op;

typedef struct tally_op {
    mb_loss loss;
    mb_tally *tally;
    mb_matrix logits;
    size_t rows;
} tally_op;

mb_status mb_loss_open(size_t max_rows, mb_arena *arena, mb_loss *loss, mb_error *error)
{
    loss->losses = mb_arena_take(arena, max_rows, sizeof *loss->losses);
    loss->guess = mb_arena_take(arena, max_rows, sizeof *loss->guess);
    return loss->losses != NULL && loss->guess != NULL
               ? MB_OK
               : mb_fail_memory(error, "loss", max_rows * sizeof *loss->losses);
}

static void run_softmax(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const loss_op *op = context;
    const size_t classes = op->site.out.columns;
    const mb_tile part = mb_cut_tile_in(op->cut, tile, classes);
    float *d = op->site.trainable != NULL ? op->site.d_out.data + part.row * classes : NULL;
    const float smoothing =
        op->site.trainable != NULL ? (float)op->site.trainable->smoothing : 0.0f;
    op->site.kernels->softmax(part.rows, classes, op->site.out.data + part.row * classes,
                              step->batch->labels + part.row, 1.0f / (float)op->site.rows,
                              smoothing, d, op->loss.losses + part.row, op->loss.guess + part.row);
}

mb_status mb_loss_plan(const mb_loss *loss, const mb_site *site, mb_error *error)
{
    const mb_cut writer = mb_plan_writer(site->plan, site->out.data);
    const mb_cut cut = mb_cut_is_rows(writer) ? writer : mb_cut_rows(site->rows, LOSS_ROWS);
    loss_op *op = mb_arena_take(site->arena, 1, sizeof *op);
    if (op == NULL)
        return mb_fail_memory(error, "loss", sizeof *op);
    *op = (loss_op){*loss, *site, cut};
    mb_phase phase = {.name = "softmax",
                      .run = run_softmax,
                      .op = op,
                      .cut = cut,
                      .uses = {{site->out.data, .own = true},
                               {&mb_batch_rows},
                               {loss->losses, .writes = true, .own = true}}};
    if (site->trainable != NULL)
        phase.uses[3] = (mb_use){site->d_out.data, .writes = true, .own = true};
    return mb_plan_add(site->plan, &phase, error);
}

static void run_tally(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)tile, (void)scratch;
    const tally_op *op = context;
    mb_tally *tally = op->tally;
    const uint8_t *labels = step->batch->labels, *guess = op->loss.guess;
    double loss = 0.0;
    size_t correct = 0;
    for (size_t row = 0; row < op->rows; row++) {
        loss += (double)op->loss.losses[row];
        correct += guess[row] == labels[row];
    }
    if (!isfinite(loss)) {
        tally->healthy = false;
        return;
    }
    const size_t classes = op->logits.columns;
    for (size_t row = 0; tally->confusion != NULL && row < op->rows; row++)
        tally->confusion[labels[row] * classes + guess[row]]++;
    if (tally->logits != NULL)
        memcpy(tally->logits + tally->samples * classes, op->logits.data,
               op->rows * classes * sizeof *tally->logits);
    if (tally->step_loss != NULL)
        tally->step_loss[tally->steps] = (float)(loss / (double)op->rows);
    tally->loss += loss;
    tally->correct += correct;
    tally->samples += op->rows;
    tally->steps++;
}

mb_status mb_tally_plan(const mb_loss *loss, mb_tally *tally, const mb_site *site, mb_error *error)
{
    tally_op *op = mb_arena_take(site->arena, 1, sizeof *op);
    if (op == NULL)
        return mb_fail_memory(error, "tally", sizeof *op);
    *op = (tally_op){*loss, tally, site->out, site->rows};
    const mb_phase phase = {
        .name = "tally",
        .run = run_tally,
        .op = op,
        .cut = {1, 1, 1, 1},
        .uses = {
            {loss->losses}, {site->out.data}, {&mb_batch_rows}, {&tally->healthy, .writes = true}}};
    return mb_plan_add(site->plan, &phase, error);
}
