/* Two networks on the same test images. */
#include "data/dataset.h"
#include "report/comparison.h"
#include "report/stored_run.h"

#include <mnist_blas/classifier.h>
#include <mnist_blas/evaluation.h>
#include <stdlib.h>
#include <string.h>

bool mb_comparison_is_right(const mb_comparison *comparison, size_t run, size_t image)
{
    const mb_comparison_storage *s = comparison->storage;
    return s->predictions[run].classes[image] == s->dataset->test.labels[image];
}

static mb_status predict(mb_machine *machine, const mb_network *network, const mb_images *images,
                         mb_run_predictions *predictions, mb_error *error)
{
    const size_t classes = mb_network_classes(network);
    float *probabilities = calloc(images->count, classes * sizeof *probabilities);
    mb_status status =
        probabilities != NULL
            ? mb_classify_probabilities(machine, network, images, probabilities, error)
            : mb_fail_memory(error, "comparison", images->count * classes);
    for (size_t i = 0; i < images->count && status == MB_OK; i++) {
        const float *row = probabilities + i * classes;
        predictions->classes[i] = (uint8_t)mb_argmax(row, classes);
        predictions->confidences[i] = row[predictions->classes[i]];
    }
    free(probabilities);
    return status;
}

/* Checks that network and data are the run's. */
static mb_status check_run(const mb_comparison *comparison, size_t run, mb_machine *machine,
                           const mb_network *network, const mb_dataset *dataset, mb_error *error)
{
    const mb_stored_run *stored = comparison->storage->runs[run];
    mb_evaluation *evaluation = NULL;
    mb_error why = {0};
    mb_status status = mb_evaluate(machine, network, &dataset->test, &evaluation, &why);
    if (status == MB_OK)
        status =
            mb_stored_run_check(stored, mb_machine_describe(machine), dataset, evaluation, &why);
    mb_evaluation_free(evaluation);
    return status == MB_OK ? MB_OK
                           : mb_fail(error, status, "%s: %s", comparison->names[run], why.text);
}

static void add_pair(mb_comparison_storage *s, size_t run)
{
    mb_run_pair *pair = &s->pairs[s->comparison.pair_count++];
    *pair = (mb_run_pair){.run = run};
    for (size_t i = 0; i < s->dataset->test.images.count; i++) {
        const bool first = mb_comparison_is_right(&s->comparison, 0, i);
        const bool second = mb_comparison_is_right(&s->comparison, run, i);
        pair->both += first && second;
        pair->only_first += first && !second;
        pair->only_run += !first && second;
        pair->neither += !first && !second;
    }
    pair->p_value = mb_mcnemar_p_value(pair->only_first, pair->only_run);
}

static const json_t *class_names(const mb_comparison_storage *s, size_t run)
{
    return json_object_get(mb_stored_run_summary(s->runs[run]), "class_names");
}

/* True if both runs classify the same images into the same classes. */
static bool has_same_images(const mb_comparison_storage *s, size_t run)
{
    const json_t *first = class_names(s, 0), *names = class_names(s, run);
    return strcmp(s->predictions[0].split.text, s->predictions[run].split.text) == 0 &&
           (first == NULL || names == NULL ? first == names : json_equal(first, names));
}

mb_status mb_comparison_exclude(mb_comparison *comparison, size_t run, const char *reason,
                                mb_error *error)
{
    mb_comparison_storage *s = comparison->storage;
    s->excluded[run] = mb_arena_strdup(&s->arena, reason);
    return mb_arena_status(&s->arena, "comparison", error);
}

mb_status mb_comparison_classify(mb_comparison *comparison, size_t run, mb_machine *machine,
                                 const mb_network *network, const mb_dataset *dataset,
                                 mb_error *error)
{
    mb_comparison_storage *s = comparison->storage;
    const mb_images *images = &dataset->test.images;
    if (run >= comparison->runs || s->predictions[run].classes != NULL ||
        s->excluded[run] != NULL || (run > 0 && s->dataset == NULL))
        return mb_fail(error, MB_ERROR_INVALID,
                       "comparison: run %zu is classified once, after run 0", run);
    mb_run_predictions *predictions = &s->predictions[run];
    mb_status status = check_run(comparison, run, machine, network, dataset, error);
    if (status != MB_OK)
        return status;
    predictions->split = mb_split_fingerprint(&dataset->test);
    if (run > 0 && !has_same_images(s, run))
        return mb_comparison_exclude(
            comparison, run,
            "its test images, their form or the names of classes are not those of the first run",
            error);
    predictions->classes = mb_arena_alloc(&s->arena, images->count, 1);
    predictions->confidences = mb_arena_alloc(&s->arena, images->count, sizeof(float));
    status = mb_arena_status(&s->arena, "comparison", error);
    if (status == MB_OK)
        status = predict(machine, network, images, predictions, error);
    if (status == MB_OK && run == 0)
        s->dataset = dataset;
    else if (status == MB_OK)
        add_pair(s, run);
    return status;
}
