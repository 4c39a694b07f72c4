/* Pictures in folders of classes, by name. */
#ifndef MB_SOURCES_PICTURE_LIST_H
#define MB_SOURCES_PICTURE_LIST_H

#include "core/status.h"
#include "kernels/kernels.h"

#include <stdbool.h>
#include <stddef.h>

/* The classes of all folders; {0} is empty. */
typedef struct mb_class_folders {
    size_t count;
    char *names[MB_MAX_CLASSES + 1]; /* owned */
} mb_class_folders;

/* Adds the names of the folders in `folder` that are not yet there; hidden ones are left out. After
 * the last call they are sorted by mb_class_folders_sort. MB_ERROR_IO: unreadable; MB_ERROR_FORMAT:
 * more than MB_MAX_CLASSES; MB_ERROR_MEMORY. */
mb_status mb_class_folders_add(mb_class_folders *classes, const char *folder, mb_error *error);

/* By number if all names are whole numbers, else by their bytes. */
void mb_class_folders_sort(mb_class_folders *classes);
void mb_class_folders_free(mb_class_folders *classes);

typedef struct mb_listed_picture {
    const char *folder; /* of the classes; the caller's */
    char *name;         /* owned: of the file, in the folder of its class */
    size_t class;
} mb_listed_picture;

/* {0} is empty. */
typedef struct mb_picture_list {
    size_t count, capacity;
    size_t entries; /* files and folders that were seen */
    mb_listed_picture *pictures;
} mb_picture_list;

/* Appends all files in FOLDER/CLASS, also those in folders below, sorted by their names, in which
 * numbers are compared by value, then by class. Links are followed. Left out are hidden files and
 * those that file managers and data sets put beside pictures: Thumbs.db, desktop.ini, .txt, .csv,
 * .json, .xml and .md. A class without a folder has no files. MB_ERROR_IO: a folder that cannot be
 * read, or a link to a folder above it; MB_ERROR_FORMAT: more than 4 million files and
 * folders;
 * MB_ERROR_MEMORY. */
mb_status mb_picture_list_add(mb_picture_list *list, const char *folder,
                              const mb_class_folders *classes, mb_error *error);

/* FOLDER/CLASS/NAME on the heap; NULL if memory is out. */
char *mb_picture_path(const mb_listed_picture *picture, const mb_class_folders *classes);
void mb_picture_list_free(mb_picture_list *list);

/* Compares names, in which numbers are compared by value: "2" is less than "10". */
int mb_compare_names(const char *a, const char *b);

/* An entry of a folder. */
typedef struct mb_folder_entry {
    const char *name, *path;
    bool is_folder; /* links followed */
} mb_folder_entry;

/* Calls `use` with each entry of a folder, in any order, as long as it returns MB_OK; left out are
 * hidden files and those named above. Returns its last status; MB_ERROR_IO: the folder cannot be
 * read; MB_ERROR_MEMORY. */
mb_status mb_folder_each(const char *folder,
                         mb_status (*use)(const mb_folder_entry *entry, void *context,
                                          mb_error *error),
                         void *context, mb_error *error);

#endif
