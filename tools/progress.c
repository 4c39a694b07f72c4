#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BAR_CELLS = 30 };

void mb_progress_show(const mb_progress_view *view, const mb_progress *progress)
{
    if (view->quiet || !view->terminal)
        return;
    const double share = (double)progress->samples_done / (double)progress->samples;
    const int cells = (int)(share * BAR_CELLS);
    static const char full[BAR_CELLS + 1] = "##############################";
    static const char empty[BAR_CELLS + 1] = "..............................";
    printf("\r\033[Kepoch %zu/%zu [%.*s%.*s] %3.0f %%  loss %.4f  %.0f samples/s", progress->epoch,
           progress->epochs, cells, full, BAR_CELLS - cells, empty, 100.0 * share, progress->loss,
           (double)progress->samples_done / progress->seconds);
    fflush(stdout);
}

void mb_progress_show_epoch(const mb_progress_view *view, const mb_epoch_metrics *metrics)
{
    if (view->quiet)
        return;
    mb_progress_clear(view);
    printf("epoch %zu/%zu  loss %.4f  train %.2f %%", metrics->epoch, metrics->epochs,
           metrics->train_loss, 100.0 * metrics->train_accuracy);
    if (!isnan(metrics->validation_accuracy))
        printf("  validation %.2f %%", 100.0 * metrics->validation_accuracy);
    printf("  test %.2f %%  %.3f s  %.0f samples/s  %.1f GFLOP/s\n", 100.0 * metrics->test_accuracy,
           metrics->seconds, metrics->samples_per_second, metrics->gflops);
    fflush(stdout);
}

void mb_progress_clear(const mb_progress_view *view)
{
    if (view->terminal && !view->quiet) {
        fputs("\r\033[K", stdout);
        fflush(stdout);
    }
}
