import {
  GeneratedNode,
  PostgresQueryCompiler,
  type ColumnDefinitionNode,
  type DataTypeNode,
  type RawNode,
} from 'kysely';

/**
 * The statements of the store as PostgreSQL has them. What differs is here, and nowhere else: the types of columns, and the
 * words of SQLite's that src/store/sqlite-words.ts names.
 */
export class StoreCompiler extends PostgresQueryCompiler {
  /** Numbers are as long as SQLite's, and texts sort by their bytes whatever the database's locale is. */
  protected override visitDataType(node: DataTypeNode): void {
    const type = types[node.dataType as string];
    if (type === undefined) super.visitDataType(node);
    else this.append(type);
  }

  protected override visitColumnDefinition(node: ColumnDefinitionNode): void {
    if (node.autoIncrement !== true) return super.visitColumnDefinition(node);
    const { autoIncrement: _sqlite, ...rest } = node;
    super.visitColumnDefinition({
      ...rest,
      generated: GeneratedNode.create({ identity: true, byDefault: true }),
    });
  }

  protected override visitRaw(node: RawNode): void {
    const [first = '', second] = node.sqlFragments;
    const [inner] = node.parameters;
    if (first === 'likelihood(' && inner !== undefined) this.visitNode(inner);
    else if (node.sqlFragments.length === 2 && first === '+' && second === '' && inner !== undefined)
      this.visitNode(inner);
    else if (node.sqlFragments.length === 1 && first === 'rowid') this.append('ctid');
    else super.visitRaw(node);
  }
}

const types: Readonly<Record<string, string>> = {
  text: 'text collate "C"',
  integer: 'bigint',
  blob: 'bytea',
};
