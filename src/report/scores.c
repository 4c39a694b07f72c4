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

/* The bins that have images. */
static json_t *bins_array(const mb_confidence_bin *bins)
{
    json_t *array = json_array();
    for (size_t i = 0; i < MB_CONFIDENCE_BINS; i++) {
        const double samples = (double)bins[i].samples;
        if (bins[i].samples > 0)
            array = mb_json_append(array, json_pack("{s:f, s:I, s:f, s:f}", "from",
                                                    (double)i / MB_CONFIDENCE_BINS, "samples",
                                                    (json_int_t)bins[i].samples, "accuracy",
                                                    (double)bins[i].correct / samples, "confidence",
                                                    bins[i].confidence / samples));
    }
    return array;
}

/* Only of a network with a threshold. */
static json_t *coverage_object(const mb_evaluation *evaluation)
{
    if (!(evaluation->threshold > 0.0))
        return json_object();
    return json_pack("{s:f, s:f, s:o}", "confidence_threshold", evaluation->threshold, "coverage",
                     evaluation->coverage, "selective_risk",
                     evaluation->accepted > 0 ? json_real(evaluation->selective_risk)
                                              : json_null());
}

json_t *mb_scores_object(const mb_evaluation *evaluation, const char *const *names)
{
    const size_t classes = evaluation->classes;
    json_t *scores = json_array(), *confusion = json_array();
    for (size_t class = 0; class < classes; class ++) {
        const size_t *counts = evaluation->confusion + class * classes;
        json_t *id = json_pack("{s:I}", "class", (json_int_t) class), *row = json_array();
        if (names != NULL)
            id = mb_json_merge(id, json_pack("{s:s}", "name", names[class]));
        for (size_t predicted = 0; predicted < classes; predicted++)
            row = mb_json_append(row, json_integer((json_int_t)counts[predicted]));
        scores =
            mb_json_append(scores, mb_json_merge(id, score_object(&evaluation->scores[class])));
        confusion = mb_json_append(confusion, row);
    }
    json_t *all = names != NULL ? json_pack("{s:o}", "class_names", mb_json_texts(names, classes))
                                : json_object();
    all = mb_json_merge(all, coverage_object(evaluation));
    return mb_json_merge(all, json_pack("{s:f, s:f, s:o, s:o, s:o, s:o}", "balanced_accuracy",
                                        evaluation->macro.recall, "calibration_error",
                                        evaluation->calibration_error, "confidence_bins",
                                        bins_array(evaluation->bins), "macro",
                                        score_object(&evaluation->macro), "class_scores", scores,
                                        "confusion", confusion));
}

static json_t *curve_object(const mb_robustness_curve *curve)
{
    json_t *strength = json_array(), *accuracy = json_array(), *correct = json_array();
    for (size_t i = 0; i < MB_ROBUSTNESS_POINTS; i++) {
        strength = mb_json_append(strength, json_real(curve->strength[i]));
        accuracy = mb_json_append(accuracy, json_real(curve->accuracy[i]));
        correct = mb_json_append(correct, json_integer((json_int_t)curve->correct[i]));
    }
    return json_pack("{s:s, s:o, s:o, s:o}", "distortion",
                     mb_robustness_option_table[curve->kind].name, "strength", strength,
                     "test_accuracy", accuracy, "correct", correct);
}

static json_t *robustness_object(const mb_robustness *robustness)
{
    json_t *curves = json_array();
    for (size_t c = 0; c < robustness->count; c++)
        curves = mb_json_append(curves, curve_object(&robustness->curves[c]));
    return json_pack("{s:o}", "robustness", curves);
}

mb_status mb_evaluation_print(const mb_evaluation *evaluation, const mb_robustness *robustness,
                              const char *const *class_names, const char *model, const char *data,
                              FILE *out, mb_error *error)
{
    json_t *object = json_pack(
        "{s:o, s:o, s:I, s:I, s:f, s:f}", "model", mb_json_text(model), "data", mb_json_text(data),
        "test_images", (json_int_t)evaluation->samples, "correct", (json_int_t)evaluation->correct,
        "test_accuracy", evaluation->accuracy, "test_loss", evaluation->loss);
    object = mb_json_merge(object, mb_scores_object(evaluation, class_names));
    if (robustness != NULL)
        object = mb_json_merge(object, robustness_object(robustness));
    const bool made = object != NULL && (mb_json_print(object, out) == 0 || ferror(out));
    json_decref(object);
    return made ? MB_OK : mb_fail_memory(error, "evaluation", sizeof *evaluation);
}
