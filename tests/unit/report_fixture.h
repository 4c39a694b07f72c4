/* A finished run and all that a report of it tells, made up: for the tests of pictures and pages.
 * A step that fails (no memory) ends the test through cmocka. */
#ifndef MB_TESTS_REPORT_FIXTURE_H
#define MB_TESTS_REPORT_FIXTURE_H

#include "report/report.h"

/* What the run is to look like. */
typedef struct mb_test_report_spec {
    const char *network;          /* a spec; "mlp" fits all sizes */
    size_t rows, columns;         /* of an image */
    size_t classes;               /* 2 .. 256 */
    size_t images;                /* in the test split; labels go round 0 .. classes-1 */
    size_t epochs, steps;         /* steps: of each epoch */
    double wrong;                 /* share of the images that are classified wrong */
    double first_loss, last_loss; /* the training loss falls from the one to the other, evenly on
                                   * a log scale and with noise */
    bool validation;              /* whether there was a validation split */
} mb_test_report_spec;

/* 200 images of 28x28 in 10 classes, one in ten wrong, mlp, 5 epochs of 100 steps. */
mb_test_report_spec mb_test_default_report_spec(void);

/* Everything in `report` belongs to this; a test may change it before it is told. Its data is
 * "data/mnist", its command "mnist_blas train --seed 1". Training images there are none. */
typedef struct mb_test_report {
    mb_machine *machine;
    mb_network *network; /* initialised */
    mb_machine_info info;
    mb_training_options options;
    mb_epoch_metrics *epochs; /* (options.epochs) */
    mb_run run;
    uint8_t *images, *labels; /* (images, rows, columns), (images) */
    mb_dataset dataset;
    float *probabilities; /* (images, classes): each row adds up to 1 */
    size_t *confusion;    /* (classes, classes): of the probabilities' largest */
    mb_class_score *scores;
    mb_evaluation evaluation;
    mb_loss_curve curve;
    mb_report report;
} mb_test_report;

mb_test_report *mb_test_report_open(const mb_test_report_spec *wanted);
void mb_test_report_close(mb_test_report *made);

#endif
