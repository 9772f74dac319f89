/*
 * planner/search_path.h - the schemas in which names without one are looked up, and the statement
 * with its names found there.  Must not know settings: who has the path parses it.
 */
#ifndef MR_PLANNER_SEARCH_PATH_H
#define MR_PLANNER_SEARCH_PATH_H

#include "parser/ast.h"
#include "planner/catalog.h"

enum { MR_SEARCH_PATH_MAX = 8 };

/* Only schemas that exist, each once.  pg_catalog is always among them: in front where the path
 * does not name it. */
typedef struct MrSearchPath {
    const char *schemas[MR_SEARCH_PATH_MAX]; /* borrowed; static texts as a rule */
    uint32_t count;
    bool catalog_is_named;
} MrSearchPath;

/* pg_catalog, public: names that are stored are looked up so, whoever reads them. */
extern const MrSearchPath mr_search_path_usual;

/* Adds a schema that exists; one that is there already is nothing. */
void mr_search_path_add(MrSearchPath *path, const char *schema_name);
/* Puts pg_catalog in front unless it is named. */
void mr_search_path_finish(MrSearchPath *path);
bool mr_search_path_has(const MrSearchPath *path, const char *schema_name);
/* Where CREATE makes what has no schema, and current_schema(); NULL: nowhere. */
const char *mr_search_path_first(const MrSearchPath *path);
/* The relation of that name; NULL: none. */
const MrRelation *mr_search_path_find(const MrSearchPath *path, const MrCatalog *catalog,
                                      const char *name);

/* Writes into the tree what its names without schema mean: a schema where the usual look-up would
 * find something else, `hidden` where it would find what the path leaves out.  So whatever reads
 * the tree later (planner, DDL queue, stored text of a view) needs no path.  Of PREPARE the
 * statement is left as it is: its path is EXECUTE's.  Refuses to create outside of public: 3F000,
 * 42501 for the system's schemas. */
MrStatus mr_search_path_apply(const MrSearchPath *path, const MrCatalog *catalog, MrNode *statement,
                              MrError *err);

#endif
