import {
  GeneratedNode,
  OperatorNode,
  PostgresQueryCompiler,
  PrimitiveValueListNode,
  ValueListNode,
  ValueNode,
  type BinaryOperationNode,
  type ColumnDefinitionNode,
  type DataTypeNode,
  type OperationNode,
  type RawNode,
} from 'kysely';

/**
 * The statements of the store as PostgreSQL has them. What differs is here, and nowhere else: the types of columns, lists of nothing,
 * what may be null compared by IS, and the words of SQLite's that src/store/sqlite-words.ts names.
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

  protected override visitBinaryOperation(node: BinaryOperationNode): void {
    const { leftOperand, operator, rightOperand } = node;
    const name = OperatorNode.is(operator) ? operator.operator : '';
    if ((name === 'in' || name === 'not in') && isEmptyList(rightOperand))
      return this.append(name === 'in' ? 'false' : 'true');
    // Null, true and false are immediate: those PostgreSQL takes after IS, and nothing else.
    if (!(name in distinct) || !ValueNode.is(rightOperand) || rightOperand.immediate === true)
      return super.visitBinaryOperation(node);
    this.visitNode(leftOperand);
    this.append(` ${distinct[name]} `);
    this.visitNode(rightOperand);
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

const distinct: Readonly<Record<string, string>> = {
  is: 'is not distinct from',
  'is not': 'is distinct from',
};

function isEmptyList(node: OperationNode): boolean {
  return (PrimitiveValueListNode.is(node) || ValueListNode.is(node)) && node.values.length === 0;
}

const types: Readonly<Record<string, string>> = {
  text: 'text collate "C"',
  integer: 'bigint',
  blob: 'bytea',
};
