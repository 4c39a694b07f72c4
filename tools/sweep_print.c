#include "sweep_print.h"

#include "library_text.h"
#include "signals.h"
#include "train_command.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t count_runs(const mb_sweep *sweep, size_t first, mb_sweep_state state)
{
    size_t count = 0;
    for (size_t i = first; i < sweep->run_count; i++)
        count += sweep->runs[i].state == state;
    return count;
}

static const char *plural(size_t count) { return count == 1 ? "" : "s"; }

void mb_sweep_print_beginning(mb_sweep_output *output, const mb_sweep_plan *plan,
                              const mb_dataset *dataset)
{
    char folder[1024];
    if (output->quiet)
        return;
    mb_printable(dataset->folder != NULL ? dataset->folder : "synthetic digits", folder,
                 sizeof folder);
    mb_output_print(&output->out, "data     %s: %zu + %zu images, %zu classes\n", folder,
                    dataset->train.images.count, dataset->test.images.count, dataset->classes);
    for (size_t i = 0; i < plan->varying_count; i++) {
        const mb_sweep_axis *axis = plan->varying[i];
        mb_output_print(&output->out, "%s%s", i == 0 ? "options  " : "; ", axis->option->name);
        for (size_t v = 0; v < axis->count; v++)
            mb_output_print(&output->out, " %s", axis->values[v]);
    }
    if (plan->varying_count > 0)
        mb_output_print(&output->out, "\n");
}

void mb_sweep_print_rung(mb_sweep_output *output, const mb_sweep_plan *plan, size_t jobs)
{
    const size_t count = plan->sweep.run_count - plan->rung_start;
    const size_t finished = count_runs(&plan->sweep, plan->rung_start, MB_SWEEP_FINISHED);
    if (output->quiet)
        return;
    if (plan->arguments->halving)
        mb_output_print(&output->out, "rung     %zu of %zu, %zu epoch%s\n", plan->rung + 1,
                        plan->rung_count, plan->rungs[plan->rung].epochs,
                        plural(plan->rungs[plan->rung].epochs));
    mb_output_print(&output->out, "sweep    %zu run%s", count, plural(count));
    if (finished > 0)
        mb_output_print(&output->out, ", of which %zu %s finished", finished,
                        finished == 1 ? "is" : "are");
    mb_output_print(&output->out, "; %zu at a time, each with one thread\n", jobs);
}

void mb_sweep_print_run(mb_sweep_output *output, const mb_sweep_plan *plan, const mb_job_end *end)
{
    const mb_sweep *sweep = &plan->sweep;
    const mb_sweep_run *run = &sweep->runs[end->job];
    if (run->state == MB_SWEEP_WAITING)
        mb_output_print(&output->errors, "mnist_blas: warning: %s: %s; it is trained again\n",
                        run->name, end->text);
    if (run->state == MB_SWEEP_FAILED)
        mb_output_print(&output->errors, "mnist_blas: warning: %s: failed: %s\n", run->name,
                        run->failure);
    if (run->state != MB_SWEEP_FINISHED || output->quiet)
        return;
    mb_output_print(&output->out, "run %zu/%zu  %s", count_runs(sweep, 0, MB_SWEEP_FINISHED),
                    sweep->run_count, run->name);
    if (!isnan(run->validation_accuracy))
        mb_output_print(&output->out, "  validation %.2f %%, loss %.4f",
                        100.0 * run->validation_accuracy, run->validation_loss);
    mb_output_print(&output->out, "  %.2f s\n", run->seconds);
}

mb_status mb_sweep_draw(mb_sweep_output *output, const mb_sweep *sweep, const char *folder,
                        mb_error *error)
{
    char line[256];
    const int text = mb_library_text_begin(); /* fontconfig's, if it has no configuration */
    const mb_status status = mb_sweep_report(sweep, folder, error);
    mb_library_text_end(text, line, sizeof line);
    if (line[0] != '\0')
        mb_output_print(&output->errors, "mnist_blas: warning: report: %s\n", line);
    if (status != MB_ERROR_UNAVAILABLE)
        return status;
    mb_output_print(&output->errors, "mnist_blas: warning: %s\n", error->text);
    return MB_OK;
}

static mb_status print_best(mb_sweep_output *output, const mb_sweep *sweep, mb_error *error)
{
    mb_sweep_configuration *ranked = NULL;
    size_t count = 0;
    char values[2048], metric[64];
    const mb_status status = mb_sweep_rank(sweep, false, &ranked, &count, error);
    if (status == MB_OK && count > 0 && ranked[0].finished > 0) {
        const mb_sweep_configuration *best = &ranked[0];
        mb_sweep_describe(sweep, &sweep->runs[best->first], true, values, sizeof values);
        if (sweep->by == MB_SWEEP_BY_ACCURACY)
            snprintf(metric, sizeof metric, "accuracy %.2f %%", 100.0 * best->validation_accuracy);
        else
            snprintf(metric, sizeof metric, "loss %.4f", best->validation_loss);
        mb_output_print(&output->out, "best     %s%svalidation %s", values,
                        *values != '\0' ? ": " : "", metric);
        if (best->finished > 1)
            mb_output_print(&output->out, ", mean of %zu seeds", best->finished);
        mb_output_print(&output->out, "\n");
    }
    free(ranked);
    return status;
}

mb_status mb_sweep_print_end(mb_sweep_output *output, const mb_sweep_plan *plan, mb_error *error)
{
    const mb_sweep *sweep = &plan->sweep;
    const char *out = plan->arguments->out;
    const size_t failed = count_runs(sweep, 0, MB_SWEEP_FAILED);
    mb_status status = MB_OK;
    size_t undrawn = 0;
    for (size_t i = 0; i < sweep->run_count; i++)
        undrawn += sweep->runs[i].state == MB_SWEEP_FINISHED && !sweep->runs[i].has_report;
    if (sweep->by != MB_SWEEP_BY_NOTHING)
        status = print_best(output, sweep, error);
    if (status != MB_OK)
        return status;
    mb_output_print(&output->out, "results  %s/sweep.csv, %s/sweep.html\n", out, out);
    if (plan->arguments->report && undrawn > 0)
        mb_output_print(&output->errors,
                        "mnist_blas: warning: report: %zu finished run%s no report.html; "
                        "mnist_blas report draws it\n",
                        undrawn, undrawn == 1 ? " has" : "s have");
    if (failed == 0)
        return MB_OK;
    return mb_fail(error, MB_ERROR_UNAVAILABLE,
                   "sweep: %zu of %zu runs failed; started again, it trains them again", failed,
                   sweep->run_count);
}

void mb_sweep_print_stop(mb_sweep_output *output, const mb_sweep_plan *plan, int signal)
{
    mb_output_print(&output->errors,
                    "mnist_blas: %s: stopped with %zu of %zu runs finished; to go on: %s\n",
                    mb_signals_name(signal), count_runs(&plan->sweep, 0, MB_SWEEP_FINISHED),
                    plan->sweep.run_count, plan->resume);
}
