/*
 * engine/expression_compile.c - from a bound tree to a programme: children before parents, equal
 * sub-expressions once, constant sub-expressions evaluated now.
 * Must not know how instructions run.
 */
#include "engine/expression_program.h"

enum {
    DEPTH_MAX = 1000, /* far above what the parser lets through */
    CHEAP_COST_MAX = 8,
    SHARED_NODES_MAX = 64, /* equal sub-expressions are looked for among so many instructions */
};

typedef struct Compiler {
    MrArena *arena;
    const MrTimezone *zone;
    MrError *err;
    bool folds_not; /* inside a constant tree, which was tried as a whole */
} Compiler;

typedef struct Build {
    MrProgram *program;
    uint32_t capacity;
    uint32_t column_capacity;
    uint32_t *columns;
    uint32_t cost;
} Build;

static MrStatus program_compile(Compiler *compiler, const MrExpr *tree, uint32_t depth,
                                MrProgram **out);
static MrStatus node_compile(Compiler *compiler, Build *build, const MrExpr *node, uint32_t depth,
                             uint32_t *out);

/* True of trees whose value can be told now. */
static bool tree_is_constant(const MrExpr *tree)
{
    if (tree->kind == MR_EXPR_COLUMN || tree->kind == MR_EXPR_SEQUENCE ||
        tree->kind == MR_EXPR_ARRIVAL ||
        (tree->kind == MR_EXPR_CALL && (tree->function->flags & MR_FN_VOLATILE) != 0)) {
        return false;
    }
    for (uint32_t i = 0; i < tree->arg_count; i++) {
        if (!tree_is_constant(tree->args[i])) {
            return false;
        }
    }
    return true;
}

static void *grown(Compiler *compiler, void *items, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity) {
        return items;
    }
    uint32_t wanted = *capacity ? *capacity * 2 : 8;
    void *fresh = mr_arena_calloc(compiler->arena, wanted, size);
    if (fresh != NULL && count > 0) {
        memcpy(fresh, items, count * size);
    }
    *capacity = wanted;
    return fresh;
}

static MrStatus instruction_add(Compiler *compiler, Build *build, const MrExpr *node,
                                MrInstruction **out)
{
    MrProgram *program = build->program;
    program->items =
        grown(compiler, program->items, program->count, &build->capacity, sizeof *program->items);
    if (program->items == NULL) {
        return mr_error_no_memory(compiler->err);
    }
    *out = &program->items[program->count++];
    (*out)->node = node;
    return MR_OK;
}

static MrStatus column_note(Compiler *compiler, Build *build, uint32_t column)
{
    for (uint32_t i = 0; i < build->program->column_count; i++) {
        if (build->columns[i] == column) {
            return MR_OK;
        }
    }
    build->columns = grown(compiler, build->columns, build->program->column_count,
                           &build->column_capacity, sizeof *build->columns);
    if (build->columns == NULL) {
        return mr_error_no_memory(compiler->err);
    }
    build->columns[build->program->column_count++] = column;
    build->program->columns = build->columns;
    return MR_OK;
}

/* What a branch reads, its programme's owner reads too. */
static MrStatus branch_note(Compiler *compiler, Build *build, const MrProgram *branch)
{
    for (uint32_t i = 0; i < branch->column_count; i++) {
        MR_TRY(column_note(compiler, build, branch->columns[i]));
    }
    build->program->uses_sequence |= branch->uses_sequence;
    build->cost += branch->is_cheap ? CHEAP_COST_MAX / 2 : CHEAP_COST_MAX + 1;
    return MR_OK;
}

static bool is_comparison(const char *name)
{
    return name[0] == '=' || name[0] == '<' || name[0] == '>' || strcmp(name, "!=") == 0;
}

/* Rough price of a node a row: 1 is a vector instruction or two. */
static uint32_t node_cost(const MrExpr *node)
{
    if (node->kind == MR_EXPR_COLUMN || node->kind == MR_EXPR_CONSTANT) {
        return 0;
    }
    if (node->kind == MR_EXPR_CALL) {
        if ((node->function->flags & MR_FN_VOLATILE) != 0) {
            return CHEAP_COST_MAX + 1;
        }
        for (uint32_t i = 0; i < node->arg_count; i++) {
            if (mr_type_info(node->args[i]->type.id)->width > 8 &&
                !is_comparison(node->function->name)) {
                return CHEAP_COST_MAX + 1;
            }
        }
    }
    if (node->kind == MR_EXPR_CAST &&
        (mr_type_is_text(node->type.id) != mr_type_is_text(node->args[0]->type.id))) {
        return CHEAP_COST_MAX + 1;
    }
    return 1;
}

/* Equality or order of a node's type, as the registry has them. */
static MrFunctionEval *comparison_find(const char *name, MrTypeId type)
{
    const MrFunction *const *functions;
    type = mr_type_of_vector(type);
    if (type == MR_TYPE_VARCHAR || type == MR_TYPE_UNKNOWN ||
        (mr_type_is_catalog(type) && !mr_type_is_array(type))) {
        type = MR_TYPE_TEXT; /* reg values are equal where their bytes are */
    } else if (mr_type_is_array(type)) {
        type = MR_TYPE_ANYARRAY;
    }
    uint32_t count = mr_function_lookup(mr_string(name), &functions);
    for (uint32_t i = 0; i < count; i++) {
        if (functions[i]->arg_count == 2 && functions[i]->args[0] == type &&
            functions[i]->args[1] == type) {
            return functions[i]->eval;
        }
    }
    return NULL;
}

static MrStatus comparison_need(Compiler *compiler, MrInstruction *in, const char *name,
                                MrTypeId type)
{
    in->kernel = comparison_find(name, type);
    if (in->kernel == NULL) {
        return mr_error_set(compiler->err, MR_ERR_UNDEFINED_FUNCTION,
                            "operator does not exist: %s %s %s", mr_type_info(type)->name, name,
                            mr_type_info(type)->name);
    }
    return MR_OK;
}

/* The second step of a cast: a cast of the type to itself applies the typmod. */
static void cast_prepare(MrInstruction *in)
{
    const MrExpr *node = in->node;
    in->kernel = node->cast != NULL ? node->cast->eval : NULL;
    if (node->cast != NULL && node->cast->from == node->cast->to) {
        in->kernel = NULL;
    }
    if (node->type.typmod >= 0) {
        in->length = mr_cast_length(node->type.id, !node->negated);
    }
}

/* A view that is only checked has calls without a catalogue: nothing of them is computed then. */
static MrStatus names_need(Compiler *compiler, const MrExpr *node)
{
    bool is_call = node->kind == MR_EXPR_CALL;
    uint32_t flags = is_call ? node->function->flags : node->cast != NULL ? node->cast->flags : 0;
    if ((flags & MR_FN_CATALOG) == 0 || node->names != NULL) {
        return MR_OK;
    }
    return mr_error_set(compiler->err, MR_ERR_UNSUPPORTED,
                        "%s looks into the catalogue, and is refused here",
                        is_call ? node->function->name : mr_type_info(node->type.id)->name);
}

static MrStatus instruction_prepare(Compiler *compiler, Build *build, MrInstruction *in)
{
    const MrExpr *node = in->node;
    switch (node->kind) {
    case MR_EXPR_CONSTANT:
        return mr_vector_init_constant(&in->constant, compiler->arena, &node->constant, 1,
                                       compiler->err);
    case MR_EXPR_COLUMN: return column_note(compiler, build, node->column);
    case MR_EXPR_SEQUENCE: build->program->uses_sequence = true; return MR_OK;
    case MR_EXPR_CALL: in->kernel = node->function->eval; return names_need(compiler, node);
    case MR_EXPR_CAST: cast_prepare(in); return names_need(compiler, node);
    case MR_EXPR_IS_DISTINCT: return comparison_need(compiler, in, "=", node->args[0]->type.id);
    case MR_EXPR_GREATEST: return comparison_need(compiler, in, ">", node->type.id);
    case MR_EXPR_LEAST: return comparison_need(compiler, in, "<", node->type.id);
    case MR_EXPR_IN:
        MR_TRY(comparison_need(compiler, in, "=", node->args[0]->type.id));
        return mr_constant_set_make(compiler->arena, node->args[0]->type.id, node, &in->set,
                                    compiler->err);
    default: return MR_OK;
    }
}

/* How many leading arguments are evaluated for every row; the others become branches. */
static uint32_t eager_count(const MrExpr *node)
{
    switch (node->kind) {
    case MR_EXPR_AND:
    case MR_EXPR_OR:
    case MR_EXPR_COALESCE: return node->arg_count > 0 ? 1 : 0;
    case MR_EXPR_CASE: return 0;
    default: return node->arg_count;
    }
}

static MrStatus check_shape(const MrExpr *node, MrError *err)
{
    bool wrong = false;
    switch (node->kind) {
    case MR_EXPR_CALL: wrong = node->function == NULL || node->arg_count > 65535; break;
    case MR_EXPR_CAST:
    case MR_EXPR_NOT:
    case MR_EXPR_IS_NULL:
    case MR_EXPR_IS_TRUE:
    case MR_EXPR_IS_FALSE:
    case MR_EXPR_WINDOW_START:
    case MR_EXPR_WINDOW_END: wrong = node->arg_count != 1; break;
    case MR_EXPR_IS_DISTINCT: wrong = node->arg_count != 2; break;
    case MR_EXPR_QUANTIFIED: wrong = node->arg_count != 2 || node->function == NULL; break;
    case MR_EXPR_CASE: wrong = node->arg_count % 2 != 1; break;
    case MR_EXPR_AND:
    case MR_EXPR_OR:
    case MR_EXPR_COALESCE:
    case MR_EXPR_GREATEST:
    case MR_EXPR_LEAST:
    case MR_EXPR_IN: wrong = node->arg_count < 1; break;
    default: break;
    }
    return wrong ? mr_error_set(err, MR_ERR_INTERNAL, "malformed expression of kind %d",
                                (int)node->kind)
                 : MR_OK;
}

/* IN compares with constants by its set; only the other members are instructions. */
static bool arg_is_in_set(const MrExpr *node, uint32_t index)
{
    return node->kind == MR_EXPR_IN && index > 0 && node->args[index]->kind == MR_EXPR_CONSTANT;
}

static MrStatus args_compile(Compiler *compiler, Build *build, const MrExpr *node, uint32_t depth,
                             MrInstruction *in)
{
    uint32_t eager = eager_count(node);
    MR_NEW_ARRAY(compiler->arena, in->args, eager + 1, compiler->err);
    MR_NEW_ARRAY(compiler->arena, in->branches, node->arg_count - eager + 1, compiler->err);
    for (uint32_t i = 0; i < node->arg_count; i++) {
        if (arg_is_in_set(node, i)) {
            continue;
        }
        if (i < eager) {
            MR_TRY(node_compile(compiler, build, node->args[i], depth + 1,
                                &in->args[in->arg_count++]));
        } else {
            MrProgram *branch;
            MR_TRY(program_compile(compiler, node->args[i], depth + 1, &branch));
            MR_TRY(branch_note(compiler, build, branch));
            in->branches[in->branch_count++] = branch;
        }
    }
    return MR_OK;
}

/* Tries to evaluate a constant tree; NULL: it fails, and will fail for each row. */
static const MrExpr *fold(Compiler *compiler, const MrExpr *tree, uint32_t depth)
{
    MrError ignored = MR_ERROR_INIT;
    Compiler quiet = { compiler->arena, compiler->zone, &ignored, true };
    MrEval eval = { .arena = compiler->arena, .zone = compiler->zone, .err = &ignored };
    MrProgram *program;
    MrVector value;
    MrExpr *constant = mr_arena_calloc(compiler->arena, 1, sizeof *constant);
    if (constant == NULL || program_compile(&quiet, tree, depth, &program) != MR_OK ||
        mr_program_run(program, &eval, 1, &value) != MR_OK) {
        return NULL;
    }
    constant->kind = MR_EXPR_CONSTANT;
    constant->type = tree->type;
    constant->position = tree->position;
    mr_vector_get(&value, 0, &constant->constant);
    constant->constant.type = tree->type;
    return constant;
}

/* IN (1, 2) over bigint has casts of constants as members: folded, they go into the set. */
static MrStatus members_fold(Compiler *compiler, const MrExpr *node, uint32_t depth,
                             const MrExpr **out)
{
    MrExpr *copy;
    MR_NEW(compiler->arena, copy, compiler->err);
    *copy = *node;
    MR_NEW_ARRAY(compiler->arena, copy->args, node->arg_count, compiler->err);
    copy->args[0] = node->args[0];
    for (uint32_t i = 1; i < node->arg_count; i++) {
        const MrExpr *member = node->args[i], *folded = NULL;
        if (member->kind != MR_EXPR_CONSTANT && tree_is_constant(member)) {
            folded = fold(compiler, member, depth);
        }
        copy->args[i] = (MrExpr *)(folded != NULL ? folded : member);
    }
    *out = copy;
    return MR_OK;
}

static MrStatus shared_or_built(Compiler *compiler, Build *build, const MrExpr *node,
                                uint32_t depth, uint32_t *out)
{
    if (!mr_expr_is_volatile(node)) {
        for (uint32_t i = 0; i < build->program->count && i < SHARED_NODES_MAX; i++) {
            if (mr_expr_equal(build->program->items[i].node, node)) {
                *out = i;
                return MR_OK;
            }
        }
    }
    if (node->kind == MR_EXPR_IN && !compiler->folds_not) {
        MR_TRY(members_fold(compiler, node, depth + 1, &node));
    }
    /* The arguments come first, so the instruction is built aside and then put at the end. */
    MrInstruction in = { .node = node }, *added = NULL;
    MR_TRY(args_compile(compiler, build, node, depth, &in));
    MR_TRY(instruction_add(compiler, build, node, &added));
    *added = in;
    *out = build->program->count - 1;
    build->cost += node_cost(node);
    return instruction_prepare(compiler, build, added);
}

static MrStatus node_compile(Compiler *compiler, Build *build, const MrExpr *node, uint32_t depth,
                             uint32_t *out)
{
    if (depth > DEPTH_MAX) {
        return mr_error_set(compiler->err, MR_ERR_TOO_COMPLEX, "expression is nested too deeply");
    }
    MR_TRY(check_shape(node, compiler->err));
    if (compiler->folds_not || node->kind == MR_EXPR_CONSTANT || !tree_is_constant(node)) {
        return shared_or_built(compiler, build, node, depth, out);
    }
    /* A constant tree is tried once, as a whole: its parts are not tried again when it fails. */
    const MrExpr *folded = fold(compiler, node, depth);
    if (folded != NULL) {
        return shared_or_built(compiler, build, folded, depth, out);
    }
    Compiler plain = *compiler;
    plain.folds_not = true;
    return shared_or_built(&plain, build, node, depth, out);
}

static MrStatus program_compile(Compiler *compiler, const MrExpr *tree, uint32_t depth,
                                MrProgram **out)
{
    Build build = { 0 };
    MR_NEW(compiler->arena, build.program, compiler->err);
    MR_TRY(node_compile(compiler, &build, tree, depth, &build.program->result));
    build.program->type = tree->type;
    build.program->is_cheap = build.cost <= CHEAP_COST_MAX;
    *out = build.program;
    return MR_OK;
}

MrStatus mr_expression_compile(MrArena *arena, const MrExpr *tree, const MrTimezone *zone,
                               MrExpression **out, MrError *err)
{
    Compiler compiler = { arena, zone, err, false };
    MrExpression *expression;
    MR_NEW(arena, expression, err);
    expression->zone = zone;
    MR_TRY(program_compile(&compiler, tree, 0, &expression->program));
    *out = expression;
    return MR_OK;
}
