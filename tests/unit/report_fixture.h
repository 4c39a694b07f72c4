/* A fictitious finished run with all data of its report, for the tests of figures and pages.
 * A step that fails (no memory) ends the test through cmocka. */
#ifndef MB_TESTS_REPORT_FIXTURE_H
#define MB_TESTS_REPORT_FIXTURE_H

#include "core/arena.h"
#include "report/report.h"

typedef struct mb_test_report_spec {
    const char *network;          /* "mlp" fits all sizes */
    size_t rows, columns;         /* of an image */
    size_t classes;               /* 2 .. 256 */
    size_t images;                /* in the test split; labels repeat 0 .. classes-1 */
    size_t epochs, steps;         /* steps per epoch */
    double wrong;                 /* fraction of misclassified images */
    double first_loss, last_loss; /* of training; linear on a log scale between them, with noise */
    bool validation;              /* whether there was a validation split */
    bool color;                   /* images are red, of three channels */
    const char *const *names;     /* of the classes; NULL: numbers */
} mb_test_report_spec;

/* 200 images of 28x28 in 10 classes, one in ten wrong, mlp, 5 epochs of 100 steps. */
mb_test_report_spec mb_test_default_report_spec(void);

/* The data that `report` points to; a test may change it. The data are "data/mnist", the command is
 * "mnist_blas train --seed 1". There are no training images. */
typedef struct mb_test_report {
    mb_arena arena;
    mb_machine *machine;
    mb_network *network; /* initialised */
    mb_machine_info info;
    mb_training_options options;
    mb_history history;
    mb_run run;
    mb_dataset dataset;
    float *probabilities; /* (images, classes): each row adds up to 1 */
    mb_evaluation evaluation;
    mb_report report;
} mb_test_report;

/* A spec of NULL is the default. */
mb_test_report *mb_test_report_open(const mb_test_report_spec *spec);
void mb_test_report_close(mb_test_report *made);

#endif
