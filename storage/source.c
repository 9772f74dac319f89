/*
 * storage/source.c - finds the class of a source, and its options.
 * Must not know where any source reads.
 */
#include "storage/source.h"

static const MrSourceClass *const source_classes[] = {
#define MR_SOURCE(class) &class,
#include "storage/sources/sources.def"
#undef MR_SOURCE
};

const MrSourceClass *mr_source_find(MrString name)
{
    for (size_t i = 0; i < sizeof source_classes / sizeof source_classes[0]; i++) {
        if (mr_string_equal_nocase(name, mr_string(source_classes[i]->name))) {
            return source_classes[i];
        }
    }
    return NULL;
}

const char *mr_option_text(const MrOption *options, uint32_t count, const char *name,
                           const char *otherwise)
{
    for (uint32_t i = 0; i < count; i++) {
        if (mr_string_equal_nocase(mr_string(options[i].name), mr_string(name))) {
            return options[i].value != NULL ? options[i].value : otherwise;
        }
    }
    return otherwise;
}
