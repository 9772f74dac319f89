/*
 * engine/expression_set.c - IN: the constants of the list as a hash set, other members one by one.
 * Integers up to eight bytes and text have loops of their own; few integers are just compared.
 */
#include "common/hash.h"
#include "engine/expression_program.h"

enum { LINEAR_MAX = 8, EMPTY = UINT32_MAX };

struct MrConstantSet {
    MrTypeId type;
    uint32_t width;
    uint32_t count;
    bool has_null;
    bool is_integer; /* cells compare as integers */
    bool is_text;
    char *cells; /* count cells */
    int64_t *integers;
    uint32_t *slots; /* index of a cell, or EMPTY */
    uint32_t slot_mask;
};

static bool type_is_integer(MrTypeId type)
{
    switch (type) {
    case MR_TYPE_BOOL:
    case MR_TYPE_INT16:
    case MR_TYPE_INT32:
    case MR_TYPE_INT64:
    case MR_TYPE_OID:
    case MR_TYPE_XID:
    case MR_TYPE_DATE:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: return true;
    default: return false;
    }
}

/* jsonb and its like compare as values, not as bytes. */
static bool type_is_plain_text(MrTypeId type)
{
    return mr_type_is_text(type) && !mr_type_has_parts(type);
}

static uint64_t text_hash(const MrText *text)
{
    return mr_hash_bytes(mr_text_data(text), text->length);
}

static uint64_t set_hash(const MrConstantSet *set, uint32_t index)
{
    const void *cell = set->cells + (size_t)index * set->width;
    if (set->is_integer) {
        return mr_hash_u64((uint64_t)set->integers[index]);
    }
    return set->is_text ? text_hash(cell) : mr_cell_hash(set->type, cell);
}

static bool set_is_same(const MrConstantSet *set, uint32_t a, uint32_t b)
{
    const char *left = set->cells + (size_t)a * set->width;
    const char *right = set->cells + (size_t)b * set->width;
    if (set->is_integer) {
        return set->integers[a] == set->integers[b];
    }
    return set->is_text ? mr_text_equal((const MrText *)left, (const MrText *)right)
                        : mr_cell_equal(set->type, left, right);
}

/* A member that is there already gets no slot: many equal ones would be one long row to walk. */
static MrStatus set_index(MrArena *arena, MrConstantSet *set, MrError *err)
{
    uint32_t slots = 16;
    while (slots < set->count * 2) {
        slots *= 2;
    }
    MR_NEW_ARRAY(arena, set->slots, slots, err);
    memset(set->slots, 0xff, slots * sizeof *set->slots);
    set->slot_mask = slots - 1;
    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t at = (uint32_t)set_hash(set, i) & set->slot_mask;
        while (set->slots[at] != EMPTY && !set_is_same(set, set->slots[at], i)) {
            at = (at + 1) & set->slot_mask;
        }
        set->slots[at] = set->slots[at] == EMPTY ? i : set->slots[at];
    }
    return MR_OK;
}

static MrStatus set_add(MrArena *arena, MrConstantSet *set, const MrDatum *datum, MrError *err)
{
    void *cell = set->cells + (size_t)set->count * set->width;
    mr_datum_store(datum, cell);
    if (set->is_text && datum->text.length > MR_TEXT_INLINE_MAX) {
        char *copy = mr_arena_strndup(arena, mr_text_data(&datum->text), datum->text.length);
        if (copy == NULL) {
            return mr_error_no_memory(err);
        }
        *(MrText *)cell = mr_text_make(copy, datum->text.length);
    }
    set->integers[set->count++] = !set->is_integer            ? 0
                                  : set->type == MR_TYPE_BOOL ? datum->boolean
                                                              : datum->integer;
    return MR_OK;
}

MrStatus mr_constant_set_make(MrArena *arena, MrTypeId type, const MrExpr *in,
                              const MrConstantSet **out, MrError *err)
{
    MrConstantSet *set;
    MR_NEW(arena, set, err);
    set->type = type;
    set->width = mr_type_info(type)->width;
    set->is_integer = type_is_integer(type);
    set->is_text = type_is_plain_text(type);
    MR_NEW_ARRAY(arena, set->integers, in->arg_count, err);
    set->cells = mr_arena_calloc(arena, in->arg_count, set->width);
    if (set->cells == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t i = 1; i < in->arg_count; i++) {
        const MrExpr *member = in->args[i];
        if (member->kind != MR_EXPR_CONSTANT) {
            continue;
        }
        if (member->constant.is_null) {
            set->has_null = true;
        } else {
            MR_TRY(set_add(arena, set, &member->constant, err));
        }
    }
    MR_TRY(set_index(arena, set, err));
    *out = set;
    return MR_OK;
}

/* Few members: a compare for each, which becomes vector code. */
#define LINEAR(TYPE)                                                  \
    do {                                                              \
        const TYPE *restrict values = value->data;                    \
        for (uint32_t k = 0; k < set->count; k++) {                   \
            const TYPE member = (TYPE)set->integers[k];               \
            for (uint32_t i = 0; i < rows; i++) {                     \
                truth[i] |= values[i] == member ? MR_TRUE : MR_FALSE; \
            }                                                         \
        }                                                             \
    } while (0)
#define PROBE_INTEGER(TYPE)                                                         \
    do {                                                                            \
        const TYPE *restrict values = value->data;                                  \
        for (uint32_t i = 0; i < rows; i++) {                                       \
            const int64_t x = values[i];                                            \
            uint32_t at = (uint32_t)mr_hash_u64((uint64_t)x) & set->slot_mask;      \
            while (set->slots[at] != EMPTY && set->integers[set->slots[at]] != x) { \
                at = (at + 1) & set->slot_mask;                                     \
            }                                                                       \
            truth[i] = set->slots[at] != EMPTY ? MR_TRUE : MR_FALSE;                \
        }                                                                           \
    } while (0)
#define INTEGERS(LOOP)             \
    switch (set->width) {          \
    case 1: LOOP(uint8_t); break;  \
    case 2: LOOP(int16_t); break;  \
    case 4: LOOP(int32_t); break;  \
    default: LOOP(int64_t); break; \
    }

static bool set_has_text(const MrConstantSet *set, const MrText *text)
{
    const MrText *cells = (const MrText *)set->cells;
    uint32_t at = (uint32_t)text_hash(text) & set->slot_mask;
    while (set->slots[at] != EMPTY) {
        if (mr_text_equal(&cells[set->slots[at]], text)) {
            return true;
        }
        at = (at + 1) & set->slot_mask;
    }
    return false;
}

static bool set_has_cell(const MrConstantSet *set, const void *cell)
{
    uint32_t at = (uint32_t)mr_cell_hash(set->type, cell) & set->slot_mask;
    while (set->slots[at] != EMPTY) {
        if (mr_cell_equal(set->type, set->cells + (size_t)set->slots[at] * set->width, cell)) {
            return true;
        }
        at = (at + 1) & set->slot_mask;
    }
    return false;
}

static void set_probe(const MrConstantSet *set, const MrVector *value, uint32_t rows,
                      uint8_t *restrict truth)
{
    memset(truth, MR_FALSE, rows);
    if (set->count == 0) {
        return;
    }
    if (set->is_integer && set->count <= LINEAR_MAX) {
        INTEGERS(LINEAR)
    } else if (set->is_integer) {
        INTEGERS(PROBE_INTEGER)
    } else {
        for (uint32_t i = 0; i < rows; i++) {
            if (!mr_vector_is_null(value, i)) {
                const void *cell = mr_vector_cell(value, i);
                truth[i] = (set->is_text ? set_has_text(set, cell) : set_has_cell(set, cell))
                               ? MR_TRUE
                               : MR_FALSE;
            }
        }
    }
}

/* Members that are not constant: compared like any two columns. */
static MrStatus members_compare(const MrInstruction *in, MrEval *eval, const MrVector *registers,
                                uint32_t rows, uint8_t *truth)
{
    uint8_t *other = mr_arena_alloc(eval->arena, rows);
    if (other == NULL) {
        return mr_error_no_memory(eval->err);
    }
    for (uint32_t k = 1; k < in->arg_count; k++) {
        const MrVector *args[2] = { &registers[in->args[0]], &registers[in->args[k]] };
        MrVector equal;
        MR_TRY(mr_run_kernel(in->kernel, mr_type(MR_TYPE_BOOL), MR_FN_STRICT, eval, args, 2, rows,
                             &equal));
        mr_truth_load(&equal, rows, other);
        for (uint32_t i = 0; i < rows; i++) {
            truth[i] = other[i] > truth[i] ? other[i] : truth[i];
        }
    }
    return MR_OK;
}

MrStatus mr_run_in(const MrInstruction *in, MrEval *eval, const MrVector *registers, uint32_t rows,
                   MrVector *out)
{
    const MrVector *value = &registers[in->args[0]];
    MrVector flat = *value;
    if (value->is_constant) {
        MR_TRY(mr_vector_flatten(value, eval->arena, &flat, eval->err));
    }
    uint8_t *truth = mr_arena_alloc_aligned(eval->arena, rows);
    if (truth == NULL) {
        return mr_error_no_memory(eval->err);
    }
    set_probe(in->set, &flat, rows, truth);
    if (in->set->has_null) {
        for (uint32_t i = 0; i < rows; i++) {
            truth[i] = truth[i] == MR_TRUE ? MR_TRUE : MR_NULL;
        }
    }
    MR_TRY(members_compare(in, eval, registers, rows, truth));
    if (flat.validity != NULL) {
        for (uint32_t i = 0; i < rows; i++) {
            truth[i] = mr_bitmap_get(flat.validity, i) ? truth[i] : MR_NULL;
        }
    }
    if (in->node->negated) {
        for (uint32_t i = 0; i < rows; i++) {
            truth[i] = (uint8_t)(MR_TRUE - truth[i]);
        }
    }
    return mr_truth_store(truth, rows, eval, out);
}
