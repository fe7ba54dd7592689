import { useCallback, useEffect, useLayoutEffect, useState, type ReactNode } from 'react';
import { useCollection } from '@cloudscape-design/collection-hooks';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import CollectionPreferences from '@cloudscape-design/components/collection-preferences';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import PropertyFilter from '@cloudscape-design/components/property-filter';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import { useSearchParams } from 'react-router';
import { isSilent } from '../api/looks.ts';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { parts as t } from '../texts/parts.ts';
import { filterWords, type Asked } from './asked.ts';
import { DownloadButton } from './download-button.tsx';
import { useFilterInAddress } from './filter-in-address.ts';
import { filterTexts } from './filter-texts.ts';
import type { Column, ReadList } from './list.ts';
import {
  filterProperties,
  headerOf,
  mostLookedThrough,
  rowOf,
  searchedWords,
  type Row,
} from './table-filter.ts';
import { displayOf, roomOf, widthsOf } from './table-layout.ts';
import { useTablePreferences } from './table-preferences.ts';

interface Props<T> {
  /** Its name among what the browser keeps. */
  id: string;
  title: string;
  description?: ReactNode;
  list: ReadList<T>;
  columns: readonly Column<T>[];
  /** As the API was asked to sort it, such as `-createdAt`. */
  sort?: string;
  idOf: (item: T) => string;
  nameOf: (item: T) => string;
  actions?: ReactNode;
  empty: ReactNode;
  selected?: readonly T[];
  onSelect?: (selected: T[]) => void;
  /** A table within a page, not the page's own. */
  inner?: boolean;
  /** Where it may be taken along as a file: the file's name, and the command that lists the same. */
  download?: { name: string; command: string };
  /** Where the API looks for part of the filter. */
  asked?: Asked;
  /** What a filter does not find though it was there, whoever looks for it. */
  caution?: string;
}

/** A list of records: found by property, sorted as the API sorts, page by page, with the columns that somebody wants. */
export function ResourceTable<T>(props: Props<T>) {
  const { id, title, description, list, columns, idOf, nameOf, actions, empty, selected, onSelect, inner } =
    props;
  const chosen = selected ?? [];
  const [, setSearch] = useSearchParams();
  const [measure, width] = useFirstWidth();
  const [query, setQuery] = useFilterInAddress();
  const [preferences, setPreferences] = useTablePreferences(id);
  const rest = props.asked?.rest ?? query;
  const rows = list.items.map((item) => rowOf(item, columns));
  const found = useCollection(rows, {
    propertyFiltering: { filteringProperties: filterProperties(columns, list.items), defaultQuery: rest },
    pagination: { pageSize: preferences.pageSize, allowPageOutOfRange: true },
  });
  useLayoutEffect(() => {
    // The address says what is looked for, whoever changed it: the filter itself, a search, "clear filters", "back".
    found.actions.setPropertyFiltering(rest);
    // oxlint-disable-next-line react/exhaustive-deps -- other actions each time, which do the same
  }, [query, rest]);
  const isFiltered = query.tokens.length > 0;
  const goesThrough = rest.tokens.length > 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage, items } = list;
  // What is looked for may be further down; of a long search the node answers what it has found so far, which may be nothing.
  const looksOn = hasNextPage && (goesThrough ? items.length < mostLookedThrough : items.length === 0);
  useEffect(() => {
    if (looksOn && !isFetchingNextPage) void fetchNextPage();
  }, [looksOn, isFetchingNextPage, fetchNextPage, items.length]);
  const searched = { list, isFiltered, goesThrough, looksOn };
  const { onView } = list;
  const inView = JSON.stringify(found.items.map(({ item }) => idOf(item)));
  useEffect(() => onView(JSON.parse(inView) as string[]), [onView, inView]);
  const sorting = sortingOf(props.sort, columns);
  const matches = found.filteredItemsCount ?? 0;
  const counter = list.isPending
    ? undefined
    : `(${goesThrough ? `${matches}/` : ''}${items.length}${hasNextPage ? '+' : ''})`;
  const room = roomOf(width ?? 0, { boxes: onSelect !== undefined, frame: inner === true });
  const display = preferences.contentDisplay ?? displayOf(columns, room);
  const widths = widthsOf(columns, display, room);
  const definitions = columns.map(
    ({ id: columnId, header, cell, sortedAs, isRowHeader }): TableProps.ColumnDefinition<Row<T>> => ({
      id: columnId,
      header,
      cell: ({ item }) => cell(item),
      ...(sortedAs === undefined ? {} : { sortingField: sortedAs }),
      ...(isRowHeader === true ? { isRowHeader } : {}),
      width: widths.get(columnId) ?? 0,
      minWidth: 80,
    }),
  );
  // The table keeps the widths that its columns have as it is first shown.
  if (width === undefined) return <div ref={measure} />;

  return (
    <div ref={measure}>
      <Table<Row<T>>
        variant={inner === true ? 'container' : 'full-page'}
        stickyHeader
        enableKeyboardNavigation
        resizableColumns
        items={[...found.items]}
        trackBy={({ item }) => idOf(item)}
        loading={list.isPending && list.error === null}
        loadingText={t.loading}
        columnDefinitions={definitions}
        columnDisplay={display}
        wrapLines={preferences.wrapLines}
        {...(sorting === undefined
          ? {}
          : { sortingColumn: { sortingField: sorting.field }, sortingDescending: sorting.descending })}
        onSortingChange={({ detail }) =>
          setSearch(
            (before) => {
              const after = new URLSearchParams(before);
              after.set(
                'sort',
                `${detail.isDescending === true ? '-' : ''}${detail.sortingColumn.sortingField}`,
              );
              return after;
            },
            { replace: true },
          )
        }
        {...(onSelect === undefined
          ? {}
          : {
              selectionType: 'multi' as const,
              selectedItems: rows.filter(({ item }) => chosen.some((one) => idOf(one) === idOf(item))),
              onSelectionChange: ({ detail }) => onSelect(detail.selectedItems.map(({ item }) => item)),
            })}
        ariaLabels={{
          tableLabel: title,
          allItemsSelectionLabel: () => t.selectAll,
          itemSelectionLabel: (_, { item }) => t.selection(nameOf(item)),
        }}
        header={
          <SpaceBetween size="m">
            <Header
              variant={inner === true ? 'h2' : 'awsui-h1-sticky'}
              description={description}
              counter={counter}
              actions={
                <SpaceBetween direction="horizontal" size="xs">
                  <Button iconName="refresh" ariaLabel={t.refresh} onClick={() => void list.refetch()} />
                  {props.download !== undefined && (items.length > 0 || isFiltered) && (
                    <DownloadButton
                      title={title}
                      {...props.download}
                      {...(goesThrough ? { beyond: filterWords(rest, (key) => headerOf(columns, key)) } : {})}
                      list={list}
                      columns={columns}
                      items={chosen.length > 0 ? chosen : found.allPageItems.map(({ item }) => item)}
                      isSelection={chosen.length > 0}
                    />
                  )}
                  {actions}
                </SpaceBetween>
              }
            >
              {title}
            </Header>
            {list.error !== null &&
              items.length > 0 &&
              (isSilent(list.error) ? (
                <Alert type="warning">{t.stale}</Alert>
              ) : (
                <ProblemAlert problem={list.error} />
              ))}
            {goesThrough && hasNextPage && !looksOn && <Alert type="warning">{t.notAll(items.length)}</Alert>}
          </SpaceBetween>
        }
        filter={
          <PropertyFilter
            {...found.propertyFilterProps}
            query={query}
            onChange={({ detail }) => setQuery(detail)}
            countText={t.matches(matches, hasNextPage)}
            {...(props.asked === undefined
              ? {}
              : { filteringConstraintText: searchedWords(searched, columns, props.asked, props.caution) })}
            filteringAriaLabel={t.filterAria}
            i18nStrings={filterTexts}
            expandToViewport
            {...(goesThrough && looksOn
              ? { filteringStatusType: 'loading' as const, filteringLoadingText: t.looking(items.length) }
              : {})}
          />
        }
        pagination={
          <Pagination
            {...found.paginationProps}
            openEnd={hasNextPage && !goesThrough}
            onNextPageClick={() => {
              if (hasNextPage) void fetchNextPage();
            }}
            ariaLabels={{ nextPageLabel: t.nextPage, previousPageLabel: t.previousPage, pageLabel: t.pageOf }}
          />
        }
        preferences={
          <CollectionPreferences
            title={t.preferences}
            confirmLabel={t.confirm}
            cancelLabel={t.cancel}
            preferences={{ ...preferences, contentDisplay: display }}
            onConfirm={({ detail }) => setPreferences(detail)}
            pageSizePreference={{
              title: t.pageSize,
              options: [20, 50, 100].map((value) => ({ value, label: t.pageSizeOf(value) })),
            }}
            wrapLinesPreference={{ label: t.wrap, description: t.wrapWhy }}
            contentDisplayPreference={{
              title: t.columns,
              options: columns.map((column) => ({
                id: column.id,
                label: column.header,
                alwaysVisible: column.isRowHeader === true,
              })),
            }}
          />
        }
        empty={
          list.error !== null ? (
            <ProblemAlert problem={list.error} />
          ) : looksOn ? (
            <Empty title={t.searching} why={t.looking(items.length)} />
          ) : isFiltered ? (
            <Empty
              title={t.noMatch}
              why={hasNextPage ? t.notAll(items.length) : (props.caution ?? t.noMatchWhy)}
            >
              <Button onClick={() => setQuery({ tokens: [], operation: 'and' })}>{t.clearFilters}</Button>
            </Empty>
          ) : (
            empty
          )
        }
      />
    </div>
  );
}

/** How wide an element is as it is first shown; undefined before. */
function useFirstWidth(): [measure: (element: HTMLElement | null) => void, width: number | undefined] {
  const [width, setWidth] = useState<number>();
  const measure = useCallback((element: HTMLElement | null) => {
    if (element !== null) setWidth((before) => before ?? element.clientWidth);
  }, []);
  return [measure, width];
}

/** What an empty list says: what would be here, and how it comes to be. */
export function Empty({ title, why, children }: { title: string; why: string; children?: ReactNode }) {
  return (
    <Box textAlign="center" margin={{ vertical: 'm' }}>
      <SpaceBetween size="xs">
        <Box variant="strong">{title}</Box>
        <Box color="text-body-secondary">{why}</Box>
        {children}
      </SpaceBetween>
    </Box>
  );
}

function sortingOf<T>(
  text: string | undefined,
  columns: readonly Column<T>[],
): { field: string; descending: boolean } | undefined {
  const field = text?.replace(/^-/, '');
  if (field === undefined || !columns.some(({ sortedAs }) => sortedAs === field)) return undefined;
  return { field, descending: text?.startsWith('-') === true };
}

/** What the address asks to be sorted by, as the API takes it. */
export function useSort<S extends string>(allowed: readonly S[], unless: S): S {
  const [search] = useSearchParams();
  const asked = search.get('sort');
  return allowed.find((one) => one === asked) ?? unless;
}
