#include "model_files.h"
#include "core/file.h"
#include "support.h"
#include "test.h"

#include <stdlib.h>

int mb_test_model_files_open(void **state)
{
    const mb_machine_options options = {.threads = 1, .pin = "none"};
    mb_test_model_files *work = calloc(1, sizeof *work);
    assert_non_null(work);
    *state = work;
    work->folder = mb_test_make_folder();
    work->path = mb_path_join(work->folder, "model.safetensors");
    assert_non_null(work->path);
    return mb_machine_open(&options, &work->machine, NULL) == MB_OK ? 0 : -1;
}

int mb_test_model_files_close(void **state)
{
    mb_test_model_files *work = *state;
    mb_machine_close(work->machine);
    mb_test_remove_folder(work->folder);
    free(work->path);
    free(work);
    return 0;
}

void mb_test_write_tensors(const mb_test_model_files *work, const mb_safetensors_content *content)
{
    mb_bytes bytes;
    assert_int_equal(mb_safetensors_serialize(work->path, content, &bytes, NULL), MB_OK);
    assert_int_equal(mb_file_write(work->path, bytes.data, bytes.size, NULL), MB_OK);
    free(bytes.data);
}
