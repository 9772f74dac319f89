/*
 * storage/codecs/jsonpath.h - which members of a document are which columns, as one tree: a reader
 * walks document and tree side by side and looks at nothing else.  Must not know types.
 */
#ifndef MR_STORAGE_CODECS_JSONPATH_H
#define MR_STORAGE_CODECS_JSONPATH_H

#include "storage/codec.h"

typedef struct MrJsonPath MrJsonPath;
struct MrJsonPath {
    MrString name; /* of the member; unused for elements */
    int64_t index; /* of the element, from 0; -1: a member */
    MrJsonPath *children;
    MrJsonPath *next;     /* sibling */
    MrJsonPath *expected; /* the child that followed last time: documents are mostly alike */
    uint32_t *columns;    /* input columns that take this value */
    uint32_t column_count;
};

/* The tree of the columns' paths (`json_path`, or the member `name`), in the arena.  22023 for a
 * path that isn't `$` with `.name`, `."name"`, `['name']` and `[n]` behind it. */
MrStatus mr_json_paths_build(MrArena *arena, const MrCodecColumn *columns, uint32_t count,
                             MrJsonPath **out, MrError *err);
/* The child for a member or element, or NULL. */
MrJsonPath *mr_json_path_member(MrJsonPath *parent, MrString name);
MrJsonPath *mr_json_path_element(MrJsonPath *parent, int64_t index);

#endif
