#include "sweep_plan.h"

#include "run_folder.h"
#include "train_command.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 40 }; /* of a value in the name of a folder */

/* ---- names and commands ---- */

/* True if the values can be part of names of folders, and of links to them. */
static bool are_names(const mb_sweep_axis *axis)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-.+";
    for (size_t i = 0; i < axis->count; i++) {
        const char *value = axis->values[i];
        if (value[strspn(value, plain)] != '\0' || strlen(value) > MAX_NAME)
            return false;
    }
    return true;
}

/* "lr=0.003,seed=2"; values that cannot be part of a name are counted, from 1. NULL: memory is out.
 */
static char *name_of(const mb_sweep_plan *plan, const mb_planned_run *run, const size_t *chosen)
{
    char *name = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&name, &size);
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < plan->varying_count; i++) {
        const mb_sweep_axis *axis = plan->varying[i];
        fprintf(out, "%s%s=", i > 0 ? "," : "", axis->option->name);
        if (are_names(axis))
            fputs(axis->values[chosen[i]], out);
        else
            fprintf(out, "%zu", chosen[i] + 1);
    }
    if (run->epochs > 0)
        fprintf(out, "%sepochs=%zu", plan->varying_count > 0 ? "," : "", run->epochs);
    else if (plan->varying_count == 0)
        fputs("run", out);
    if (fclose(out) == 0)
        return name;
    free(name);
    return NULL;
}

/* The values of an option as one that a command line has: a list, or each with the option. */
static void put_axis(FILE *out, const mb_sweep_axis *axis)
{
    if (axis->option->kind == MB_OPTION_FLAG) {
        fprintf(out, " --%s", axis->option->name);
        return;
    }
    const bool list = axis->option->kind != MB_OPTION_TEXT;
    for (size_t i = 0; i < axis->count; i++) {
        if (i == 0 || !list)
            fprintf(out, " --%s ", axis->option->name);
        else
            putc(',', out);
        mb_put_word(out, axis->values[i]);
    }
}

/* The command with the options that do not decide which runs there are. */
static mb_status write_resume(mb_sweep_plan *plan, mb_error *error)
{
    const mb_sweep_arguments *arguments = plan->arguments;
    size_t size = 0;
    FILE *out = open_memstream(&plan->resume, &size);
    if (out == NULL)
        return mb_fail_memory(error, "sweep", 1);
    fprintf(out, "%s --out ", plan->command);
    mb_put_word(out, arguments->out);
    if (arguments->jobs > 0)
        fprintf(out, " --jobs %zu", arguments->jobs);
    if (strcmp(arguments->checkpoint_every, "never") != 0) {
        fputs(" --checkpoint-every ", out);
        mb_put_word(out, arguments->checkpoint_every);
    }
    if (arguments->report)
        fputs(" --report", out);
    plan->sweep.resume = fclose(out) == 0 ? plan->resume : NULL;
    return plan->sweep.resume != NULL ? MB_OK : mb_fail_memory(error, "sweep", size);
}

mb_status mb_sweep_plan_command(mb_sweep_plan *plan, const char *data, mb_error *error)
{
    const mb_sweep_arguments *arguments = plan->arguments;
    size_t size = 0;
    FILE *out = open_memstream(&plan->command, &size);
    if (out == NULL)
        return mb_fail_memory(error, "sweep", 1);
    mb_put_word(out, mb_started_as());
    fputs(" sweep", out);
    if (data != NULL) {
        fputs(" --data ", out);
        mb_put_word(out, data);
    }
    for (size_t i = 0; i < arguments->axis_count; i++)
        if (strcmp(arguments->axes[i].option->name, "data") != 0)
            put_axis(out, &arguments->axes[i]);
    if (arguments->random > 0)
        fprintf(out, " --random %zu --sweep-seed %llu", arguments->random,
                (unsigned long long)arguments->sweep_seed);
    if (arguments->halving)
        fputs(" --halving", out);
    if (arguments->by != MB_SWEEP_BY_ACCURACY)
        fprintf(out, " --by %s", mb_sweep_metric_names.values[arguments->by].name);
    const bool failed = fclose(out) != 0;
    plan->sweep.command = plan->command;
    return failed ? mb_fail_memory(error, "sweep", size) : write_resume(plan, error);
}

/* ---- runs ---- */

/* The number of the value that each option has in a run. The last option changes fastest. */
static void choose_values(const mb_sweep_plan *plan, const mb_planned_run *run, size_t *chosen)
{
    size_t number = run->configuration;
    for (size_t i = plan->varying_count; i-- > 0;) {
        const mb_sweep_axis *axis = plan->varying[i];
        if (strcmp(axis->option->name, "seed") == 0) {
            chosen[i] = run->seed;
            continue;
        }
        chosen[i] = number % axis->count;
        number /= axis->count;
    }
}

static mb_status add_run(mb_sweep_plan *plan, size_t configuration, size_t seed, mb_error *error)
{
    const size_t number = plan->sweep.run_count++;
    mb_planned_run *run = &plan->planned[number];
    size_t chosen[MB_MAX_OPTIONS];
    *run = (mb_planned_run){.configuration = configuration, .seed = seed};
    if (plan->arguments->halving)
        run->epochs = plan->rungs[plan->rung].epochs;
    choose_values(plan, run, chosen);
    run->name = name_of(plan, run, chosen);
    run->folder = run->name != NULL ? mb_join(plan->arguments->out, run->name) : NULL;
    run->values = calloc(plan->sweep.option_count + 1, sizeof *run->values);
    if (run->epochs > 0 && asprintf(&run->epochs_text, "%zu", run->epochs) < 0)
        run->epochs_text = NULL;
    if (run->folder == NULL || run->values == NULL || (run->epochs > 0 && !run->epochs_text))
        return mb_fail_memory(error, "sweep", sizeof *run);
    for (size_t i = 0; i < plan->varying_count; i++)
        run->values[i] = plan->varying[i]->values[chosen[i]];
    if (run->epochs > 0)
        run->values[plan->varying_count] = run->epochs_text;
    plan->sweep.runs[number] =
        (mb_sweep_run){.name = run->name, .values = run->values, .rung = plan->rung};
    return MB_OK;
}

mb_status mb_sweep_plan_add(mb_sweep_plan *plan, size_t configuration, mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t seed = 0; status == MB_OK && seed < plan->seeds; seed++)
        status = add_run(plan, configuration, seed, error);
    return status;
}

/* Lists the options that vary. Returns the number of configurations; above MB_MAX_COMBINATIONS:
 * too many. */
static size_t list_options(mb_sweep_plan *plan)
{
    size_t configurations = 1;
    plan->seeds = 1;
    for (size_t i = 0; i < plan->arguments->axis_count; i++) {
        const mb_sweep_axis *axis = &plan->arguments->axes[i];
        const bool seed = strcmp(axis->option->name, "seed") == 0;
        if (axis->count < 2)
            continue;
        plan->names[plan->varying_count] = axis->option->name;
        plan->varying[plan->varying_count++] = axis;
        if (seed)
            plan->seeds = axis->count;
        else if (configurations <= MB_MAX_COMBINATIONS)
            configurations *= axis->count;
    }
    plan->sweep.option_count = plan->varying_count;
    if (plan->arguments->halving)
        plan->names[plan->sweep.option_count++] = "epochs";
    plan->sweep.options = plan->names;
    return configurations;
}

/* Plans the rungs, and has memory for their runs. */
static mb_status open_runs(mb_sweep_plan *plan, size_t configurations, mb_error *error)
{
    const mb_sweep_axis *given = mb_sweep_axis_of(plan->arguments, "epochs");
    size_t all = configurations;
    plan->rung_count = 1;
    if (plan->arguments->halving) {
        size_t epochs = plan->arguments->train.training.epochs;
        if (given != NULL)
            epochs = (size_t)strtoull(given->values[0], NULL, 10);
        plan->rung_count = mb_halving_rungs(configurations, epochs, plan->rungs);
        all = 0;
        for (size_t i = 0; i < plan->rung_count; i++)
            all += plan->rungs[i].configurations;
    }
    plan->planned = calloc(all * plan->seeds, sizeof *plan->planned);
    plan->sweep.runs = calloc(all * plan->seeds, sizeof *plan->sweep.runs);
    return plan->planned != NULL && plan->sweep.runs != NULL
               ? MB_OK
               : mb_fail_memory(error, "sweep", all * plan->seeds * sizeof *plan->planned);
}

mb_status mb_sweep_plan_open(const mb_sweep_arguments *arguments, mb_sweep_plan *plan,
                             mb_error *error)
{
    *plan = (mb_sweep_plan){.arguments = arguments};
    plan->sweep.by = (mb_sweep_metric)arguments->by;
    const size_t all = list_options(plan);
    const size_t count = arguments->random > 0 && arguments->random < all ? arguments->random : all;
    if (all * plan->seeds > MB_MAX_COMBINATIONS)
        return mb_fail(error, MB_ERROR_INVALID,
                       "sweep: must have at most %d combinations; give fewer values",
                       MB_MAX_COMBINATIONS);
    if (arguments->random > all)
        return mb_fail(error, MB_ERROR_INVALID,
                       "--random: must be 1 to %zu, the configurations, got %zu", all,
                       arguments->random);
    size_t *chosen = calloc(count, sizeof *chosen);
    if (chosen == NULL)
        return mb_fail_memory(error, "sweep", count * sizeof *chosen);
    mb_sample_combinations(all, count, arguments->sweep_seed, chosen);
    mb_status status = open_runs(plan, count, error);
    for (size_t i = 0; status == MB_OK && i < count; i++)
        status = mb_sweep_plan_add(plan, chosen[i], error);
    free(chosen);
    return status;
}

void mb_sweep_plan_begin_rung(mb_sweep_plan *plan)
{
    plan->rung_start = plan->sweep.run_count;
    plan->rung++;
}

mb_status mb_sweep_plan_next_rung(mb_sweep_plan *plan, bool *any, mb_error *error)
{
    mb_sweep rung = plan->sweep;
    mb_sweep_configuration *ranked = NULL;
    size_t count = 0;
    *any = false;
    if (plan->rung + 1 >= plan->rung_count)
        return MB_OK;
    rung.runs += plan->rung_start;
    rung.run_count -= plan->rung_start;
    mb_status status = mb_sweep_rank(&rung, false, &ranked, &count, error);
    const mb_planned_run *before = plan->planned + plan->rung_start;
    mb_sweep_plan_begin_rung(plan);
    for (size_t i = 0; status == MB_OK && i < count && i < plan->rungs[plan->rung].configurations;
         i++)
        if (ranked[i].finished > 0) {
            status = mb_sweep_plan_add(plan, before[ranked[i].first].configuration, error);
            *any = true;
        }
    free(ranked);
    return status;
}

void mb_sweep_plan_close(mb_sweep_plan *plan)
{
    for (size_t i = 0; i < plan->sweep.run_count; i++) {
        mb_planned_run *run = &plan->planned[i];
        free(run->name);
        free(run->folder);
        free(run->values);
        free(run->epochs_text);
        free(run->command);
        free((char *)(uintptr_t)plan->sweep.runs[i].failure);
    }
    free(plan->planned);
    free(plan->sweep.runs);
    free(plan->command);
    free(plan->resume);
    *plan = (mb_sweep_plan){0};
}
