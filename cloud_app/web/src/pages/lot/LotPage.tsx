import { Page } from '../../components/Page';

export function LotPage({ site, lot }: { site: string; lot: string }) {
  return (
    <Page title={lot} above={[{ label: site, href: '/' }]}>
      {null}
    </Page>
  );
}
