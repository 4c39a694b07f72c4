/* MNIST's format: a folder of four IDX files, each plain or with .gz. */
#ifndef MB_SOURCES_IDX_FOLDER_H
#define MB_SOURCES_IDX_FOLDER_H

#include <stddef.h>

/* Names of the files: images and labels of the training split, then of the test split. */
enum { MB_IDX_FOLDER_FILES = 4 };
extern const char *const mb_idx_folder_files[MB_IDX_FOLDER_FILES];

#endif
