#include "report/scores.h"

#include "report/json.h"

#include <mnist_blas/report.h>

/* The members of a score; null for what a class without images does not have. */
static json_t *score_object(const mb_class_score *score)
{
    const bool has_images = score->support > 0;
    return json_pack(
        "{s:o, s:o, s:o, s:I}", "precision", has_images ? json_real(score->precision) : json_null(),
        "recall", has_images ? json_real(score->recall) : json_null(), "f1",
        has_images ? json_real(score->f1) : json_null(), "support", (json_int_t)score->support);
}

json_t *mb_scores_object(const mb_evaluation *evaluation)
{
    const size_t classes = evaluation->classes;
    json_t *scores = json_array(), *confusion = json_array();
    for (size_t class = 0; class < classes; class ++) {
        json_t *score = json_pack("{s:I}", "class", (json_int_t) class), *row = json_array();
        json_t *members = score_object(&evaluation->scores[class]);
        json_object_update(score, members);
        json_decref(members);
        for (size_t predicted = 0; predicted < classes; predicted++)
            json_array_append_new(
                row, json_integer((json_int_t)evaluation->confusion[class * classes + predicted]));
        json_array_append_new(scores, score);
        json_array_append_new(confusion, row);
    }
    return json_pack("{s:o, s:o, s:o}", "macro", score_object(&evaluation->macro), "class_scores",
                     scores, "confusion", confusion);
}

mb_status mb_evaluation_print(const mb_evaluation *evaluation, const char *model, const char *data,
                              FILE *out, mb_error *error)
{
    json_t *object = json_pack(
        "{s:o, s:o, s:I, s:I, s:f, s:f}", "model", mb_json_text(model), "data", mb_json_text(data),
        "test_images", (json_int_t)evaluation->samples, "correct", (json_int_t)evaluation->correct,
        "test_accuracy", evaluation->accuracy, "test_loss", evaluation->loss);
    json_t *scores = mb_scores_object(evaluation);
    const bool made = object != NULL && scores != NULL && json_object_update(object, scores) == 0;
    if (made)
        mb_json_print(object, out);
    json_decref(object);
    json_decref(scores);
    return made ? MB_OK : mb_fail_memory(error, "evaluation", sizeof *evaluation);
}
