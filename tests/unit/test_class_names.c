/* Names of classes in checkpoints. Those in model files: test_model.c; in data: test_classes.c. */
#include "interrupted.h"
#include "support.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"cat", "dog", "\xe7\x8c\xab", "\"\\"};

/* A checkpoint with these names of classes, or none; the caller's. */
static mb_bytes make_checkpoint(const char *const *class_names)
{
    const mb_training_options options = mb_test_options(MB_OPTIMIZER_ADAMW, 7);
    char *path = mb_path_join(mb_test_folder(), "checkpoint");
    mb_bytes bytes = {0};
    mb_test_run run;
    mb_test_run_open("dense:4", &options, 1, &run);
    mb_test_run_on(&run, 3);
    assert_int_equal(mb_network_set_class_names(run.network, class_names, NULL), MB_OK);
    mb_test_run_save(&run, path);
    mb_test_run_close(&run);
    assert_int_equal(mb_file_read(path, MB_SAFETENSORS_LIMIT, &bytes, NULL), MB_OK);
    free(path);
    return bytes;
}

TEST(test_checkpoint_has_the_names)
{
    const mb_shape input = mb_images_shape(&mb_test_data()->train.images);
    mb_bytes bytes = make_checkpoint(names);
    mb_machine *machine = NULL;
    mb_checkpoint *checkpoint = NULL;
    mb_network *network = NULL;
    assert_int_equal(mb_machine_open(&(mb_machine_options){.threads = 1}, &machine, NULL), MB_OK);
    assert_int_equal(mb_checkpoint_parse("it", bytes, &checkpoint, NULL), MB_OK);
    assert_int_equal(mb_checkpoint_describe(checkpoint)->classes, 4);
    assert_int_equal(mb_checkpoint_network(checkpoint, machine, input, 4, &network, NULL), MB_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(mb_checkpoint_describe(checkpoint)->class_names[i], names[i]);
        assert_string_equal(mb_network_class_names(network)[i], names[i]);
    }
    mb_network_close(network);
    mb_checkpoint_close(checkpoint);
    mb_machine_close(machine);
    free(bytes.data);
}

TEST(test_checkpoint_without_names)
{
    mb_bytes bytes = make_checkpoint(NULL);
    mb_checkpoint *checkpoint = NULL;
    assert_null(memmem(bytes.data, bytes.size, "class_names", 11));
    assert_int_equal(mb_checkpoint_parse("it", bytes, &checkpoint, NULL), MB_OK);
    assert_int_equal(mb_checkpoint_describe(checkpoint)->classes, 4);
    assert_null(mb_checkpoint_describe(checkpoint)->class_names);
    mb_checkpoint_close(checkpoint);
    free(bytes.data);
}

TEST(test_checkpoint_with_a_name_twice)
{
    static const char old[] = "\\\"cat\\\",\\\"dog\\\"", new[] = "\\\"dog\\\",\\\"dog\\\"";
    mb_bytes bytes = make_checkpoint(names);
    mb_checkpoint *checkpoint = NULL;
    mb_error error = {0};
    uint8_t *found = memmem(bytes.data, bytes.size, old, strlen(old));
    assert_non_null(found);
    memcpy(found, new, strlen(new));
    assert_true(mb_test_sign(bytes));
    assert_int_equal(mb_checkpoint_parse("it", bytes, &checkpoint, &error), MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT,
                        "it: metadata \"class_names\": class names 1 and 2: both are \"dog\"");
    free(bytes.data);
}

TEST_GROUP(mb_test_open_data, mb_test_close_data);
