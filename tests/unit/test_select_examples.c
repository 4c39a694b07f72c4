#include "report/select_examples.h"
#include "report_fixture.h"
#include "test.h"

#include <stdlib.h>

enum { MAX = 48 };

TEST(the_lower_of_equal_classes_wins)
{
    static const float rows[] = {0.4f, 0.4f, 0.2f, 0.1f, 0.45f, 0.45f, 0.2f, 0.3f, 0.5f};
    static const uint8_t labels[] = {0, 2, 2};
    const mb_dataset dataset = {.classes = 3, .test = {{.count = 3}, labels}};
    const mb_run run = {.dataset = &dataset};
    const mb_report report = {.run = &run, .probabilities = rows};
    for (size_t i = 0; i < 3; i++) {
        const mb_prediction p = mb_prediction_of(&report, i);
        assert_int_equal(p.image, i);
        assert_int_equal(p.truth, labels[i]);
        assert_int_equal(p.predicted, i);
        assert_true(p.confidence == (double)rows[3 * i + i]);
    }
}

/* A naive reference: the wrong predictions with fewer than MAX before them. */
TEST(mistakes_are_the_most_confident)
{
    static const double fractions[] = {0.0, 0.02, 0.5, 1.0};
    for (size_t s = 0; s < 4; s++) {
        mb_test_report_spec spec = mb_test_default_report_spec();
        spec.wrong = fractions[s];
        mb_test_report *made = mb_test_report_open(&spec);
        for (size_t i = 0; i < spec.images * spec.classes; i++) /* some are equal */
            made->probabilities[i] = (float)(int)(50.0f * made->probabilities[i]) / 50.0f;
        mb_prediction found[MAX];
        size_t wrong = 0;
        const size_t count = mb_select_mistakes(&made->report, MAX, found);
        for (size_t i = 0; i < spec.images; i++) {
            const mb_prediction p = mb_prediction_of(&made->report, i);
            size_t before = 0;
            if (p.predicted == p.truth)
                continue;
            wrong++;
            for (size_t j = 0; j < spec.images; j++) {
                const mb_prediction other = mb_prediction_of(&made->report, j);
                before +=
                    other.predicted != other.truth && (other.confidence > p.confidence ||
                                                       (other.confidence == p.confidence && j < i));
            }
            if (before < MAX)
                assert_memory_equal(&found[before], &p, sizeof p);
        }
        assert_int_equal(count, wrong < MAX ? wrong : MAX);
        mb_test_report_close(made);
    }
}

TEST(a_spread_has_all_classes_in_order)
{
    static const size_t images[] = {1, 47, 48, 49, 200, 1000};
    for (size_t s = 0; s < sizeof images / sizeof images[0]; s++) {
        mb_test_report_spec spec = mb_test_default_report_spec();
        spec.images = images[s];
        mb_test_report *made = mb_test_report_open(&spec);
        mb_prediction found[MAX];
        size_t shown[10] = {0};
        const size_t count = mb_select_spread(&made->report, MAX, found);
        assert_int_equal(count, images[s] < MAX ? images[s] : MAX);
        for (size_t i = 0; i < count; i++) {
            assert_true(i == 0 || found[i].image > found[i - 1].image);
            assert_in_range(found[i].image, i * images[s] / count, (i + 1) * images[s] / count - 1);
            shown[found[i].truth]++;
        }
        for (size_t class = 0; class < 10; class ++)
            assert_true(count < MAX || shown[class] >= 4);
        mb_test_report_close(made);
    }
}
