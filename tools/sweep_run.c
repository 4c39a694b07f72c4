/* A run of a sweep as `train` has it. */
#include "run_folder.h"
#include "sweep_plan.h"
#include "train_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Adds the word "--NAME=VALUE"; value NULL: a flag. */
static mb_status add_word(mb_run_arguments *run, const char *name, const char *value,
                          mb_error *error)
{
    char **word = &run->words[run->word_count];
    if (asprintf(word, "--%s%s%s", name, value != NULL ? "=" : "", value != NULL ? value : "") <
        0) {
        *word = NULL;
        return mb_fail_memory(error, "sweep", strlen(name));
    }
    run->word_count++;
    return MB_OK;
}

/* Options of all runs. */
static mb_status add_common(const mb_sweep_plan *plan, mb_run_arguments *run, mb_error *error)
{
    static char train[] = "train";
    run->words[run->word_count++] = train;
    mb_status status = add_word(run, "threads", "1", error);
    if (status == MB_OK)
        status = add_word(run, "quiet", NULL, error);
    if (status == MB_OK)
        status = add_word(run, "checkpoint-every", plan->arguments->checkpoint_every, error);
    if (status == MB_OK && !plan->arguments->report)
        status = add_word(run, "no-report", NULL, error);
    return status;
}

static mb_status add_options(const mb_sweep_plan *plan, const mb_planned_run *planned,
                             mb_run_arguments *run, mb_error *error)
{
    mb_status status = add_word(run, "out", planned->folder, error);
    for (size_t i = 0; status == MB_OK && i < plan->arguments->axis_count; i++) {
        const mb_sweep_axis *axis = &plan->arguments->axes[i];
        if (axis->count == 1)
            status = add_word(run, axis->option->name,
                              axis->option->kind == MB_OPTION_FLAG ? NULL : axis->values[0], error);
    }
    for (size_t i = 0; status == MB_OK && i < plan->varying_count; i++)
        status = add_word(run, plan->names[i], planned->values[i], error);
    if (status == MB_OK && planned->epochs > 0)
        status = add_word(run, "epochs", planned->epochs_text, error);
    return status;
}

void mb_run_arguments_free(mb_run_arguments *run)
{
    for (int i = 1; i < run->word_count; i++) /* the first is not on the heap */
        free(run->words[i]);
    mb_train_arguments_free(&run->train);
    mb_checkpoint_close(run->from);
    *run = (mb_run_arguments){0};
}

/* Arguments that resume a run, if they repeat `planned`. */
static bool resume(const mb_sweep_plan *plan, const mb_planned_run *planned, const char *checkpoint,
                   mb_run_arguments *run)
{
    mb_error why;
    bool same = false;
    if (add_common(plan, run, &why) == MB_OK &&
        add_word(run, "resume", checkpoint, &why) == MB_OK &&
        mb_resume_parse(run->word_count, run->words, &run->train, &run->from, &why) == MB_OK) {
        char *command = mb_train_command(&run->train, run->train.data);
        same = command != NULL && strcmp(command, planned->command) == 0;
        free(command);
    }
    if (!same)
        mb_run_arguments_free(run);
    return same;
}

mb_status mb_sweep_plan_arguments(const mb_sweep_plan *plan, size_t number, bool resumes,
                                  mb_run_arguments *run, mb_error *error)
{
    const mb_planned_run *planned = &plan->planned[number];
    *run = (mb_run_arguments){0};
    if (resumes) {
        char *checkpoint = mb_join(planned->folder, "checkpoint");
        const bool found = checkpoint != NULL && access(checkpoint, F_OK) == 0 &&
                           resume(plan, planned, checkpoint, run);
        free(checkpoint);
        if (found)
            return MB_OK;
    }
    mb_status status = add_common(plan, run, error);
    if (status == MB_OK)
        status = add_options(plan, planned, run, error);
    return status == MB_OK
               ? mb_train_arguments_parse(run->word_count, run->words, NULL, &run->train, error)
               : status;
}

static mb_status check_run(mb_sweep_plan *plan, size_t number, const mb_train_run *inputs,
                           mb_error *error)
{
    mb_run_arguments run;
    mb_train_run checked = *inputs;
    mb_status status = mb_sweep_plan_arguments(plan, number, false, &run, error);
    checked.arguments = run.train;
    if (status == MB_OK && plan->rung == 0) /* later rungs differ in epochs only */
        status = mb_train_check(&checked, error);
    if (status == MB_OK && plan->sweep.by != MB_SWEEP_BY_NOTHING &&
        mb_validation_count(&run.train.training, inputs->dataset) == 0)
        status = mb_fail(error, MB_ERROR_INVALID,
                         "--by %s: no images are held out; give --validation 10%%, or --by none to "
                         "choose nothing",
                         mb_sweep_metric_names.values[plan->sweep.by].name);
    if (status == MB_OK) {
        plan->planned[number].command = mb_train_command(&run.train, inputs->dataset->folder);
        if (plan->planned[number].command == NULL)
            status = mb_fail_memory(error, "sweep", 1);
    }
    mb_run_arguments_free(&run);
    return status;
}

mb_status mb_sweep_plan_check(mb_sweep_plan *plan, const mb_train_run *inputs, mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = plan->rung_start; status == MB_OK && i < plan->sweep.run_count; i++)
        status = check_run(plan, i, inputs, error);
    return status;
}

mb_status mb_sweep_plan_read(mb_sweep_plan *plan, mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = plan->rung_start; status == MB_OK && i < plan->sweep.run_count; i++)
        status = mb_sweep_read_run(plan->arguments->out, plan->planned[i].command,
                                   &plan->sweep.runs[i], error);
    return status;
}
