/* A comparison as JSON, for programs. */
#include "report/comparison.h"
#include "report/json.h"

#include <stdint.h>

/* A value of a summary, shared with it; null if there is none. */
static json_t *shared(const json_t *value)
{
    return value != NULL ? json_incref((json_t *)(uintptr_t)value) : json_null();
}

static json_t *run_object(const mb_comparison *comparison, size_t run)
{
    const mb_comparison_storage *s = comparison->storage;
    const mb_run *stored = &s->runs[run]->run;
    json_t *options = json_object();
    json_t *object =
        json_pack("{s:o, s:I, s:b}", "run", mb_json_text(comparison->names[run]), "epochs",
                  (json_int_t)stored->history->finished, "stopped", stored->interrupted != NULL);
    for (size_t i = 0; i < comparison->value_count; i++) {
        const mb_compared_value *value = &comparison->values[i];
        json_t *member = json_pack("{s:o}", value->key, shared(s->columns[i].of_runs[run]));
        if (value->is_option)
            options = mb_json_merge(options, member);
        else
            object = mb_json_merge(object, member);
    }
    return mb_json_merge(object, json_pack("{s:o}", "options", options));
}

/* Numbers of the images that `right` classifies correctly and `wrong` does not. */
static json_t *images_of(const mb_comparison *comparison, size_t right, size_t wrong)
{
    json_t *images = json_array();
    for (size_t i = 0; i < comparison->storage->dataset->test.images.count; i++)
        if (mb_comparison_is_right(comparison, right, i) &&
            !mb_comparison_is_right(comparison, wrong, i))
            images = mb_json_append(images, json_integer((json_int_t)i));
    return images;
}

static json_t *pair_object(const mb_comparison *comparison, const mb_run_pair *pair)
{
    return json_pack(
        "{s:o, s:o, s:I, s:I, s:I, s:I, s:f, s:o, s:o}", "first",
        mb_json_text(comparison->names[0]), "run", mb_json_text(comparison->names[pair->run]),
        "both", (json_int_t)pair->both, "only_first", (json_int_t)pair->only_first, "only_run",
        (json_int_t)pair->only_run, "neither", (json_int_t)pair->neither, "mcnemar_p_value",
        pair->p_value, "only_first_images", images_of(comparison, 0, pair->run), "only_run_images",
        images_of(comparison, pair->run, 0));
}

json_t *mb_comparison_object(const mb_comparison *comparison)
{
    json_t *runs = json_array(), *pairs = json_array(), *excluded = json_array();
    for (size_t i = 0; i < comparison->runs; i++) {
        runs = mb_json_append(runs, run_object(comparison, i));
        if (comparison->excluded[i] != NULL)
            excluded = mb_json_append(
                excluded, json_pack("{s:o, s:o}", "run", mb_json_text(comparison->names[i]),
                                    "reason", mb_json_text(comparison->excluded[i])));
    }
    for (size_t i = 0; i < comparison->pair_count; i++)
        pairs = mb_json_append(pairs, pair_object(comparison, &comparison->pairs[i]));
    return json_pack("{s:o, s:o, s:o}", "runs", runs, "pairs", pairs, "excluded", excluded);
}

mb_status mb_comparison_print(const mb_comparison *comparison, FILE *out, mb_error *error)
{
    json_t *object = mb_comparison_object(comparison);
    const bool made = object != NULL && (mb_json_print(object, out) == 0 || ferror(out));
    json_decref(object);
    return made ? MB_OK : mb_fail_memory(error, "comparison", sizeof *comparison);
}
