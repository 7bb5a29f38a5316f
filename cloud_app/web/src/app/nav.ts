/** The places of the operations centre: one table for rail, phone bar, drawer and shortcuts. */

import {
  Activity,
  BellRing,
  Building2,
  ChartColumn,
  CircleParking,
  KeyRound,
  Lightbulb,
  type LucideIcon,
  Map as MapIcon,
  RadioTower,
  Rocket,
  ScrollText,
  Send,
  Settings,
  ShieldCheck,
  TriangleAlert,
  Users,
  Workflow,
} from 'lucide-preact';
import type { Permission } from '../api/types';
import type { MessageKey } from '../i18n';

export interface Place {
  href: string;
  label: MessageKey;
  icon: LucideIcon;
  needs: Permission;
  /** Second key after `g`. */
  key?: string;
  /** Stands in the phone's bar. */
  isMain?: boolean;
}

export const PLACES: readonly { title: MessageKey; places: readonly Place[] }[] = [
  {
    title: 'nav.operation',
    places: [
      { href: '/', label: 'nav.map', icon: MapIcon, needs: 'read', key: 'm', isMain: true },
      { href: '/alerts', label: 'nav.alerts', icon: BellRing, needs: 'read', key: 'a', isMain: true },
      {
        href: '/incidents',
        label: 'nav.incidents',
        icon: TriangleAlert,
        needs: 'read',
        key: 'i',
        isMain: true,
      },
      { href: '/edges', label: 'nav.edges', icon: RadioTower, needs: 'read', key: 'e', isMain: true },
      { href: '/campaigns', label: 'nav.campaigns', icon: Rocket, needs: 'read' },
      { href: '/sensors', label: 'nav.sensors', icon: CircleParking, needs: 'read', key: 'd' },
      { href: '/events', label: 'nav.events', icon: Activity, needs: 'read', key: 'v' },
      { href: '/reports', label: 'nav.reports', icon: ChartColumn, needs: 'read', key: 't' },
      { href: '/planning', label: 'nav.planning', icon: Lightbulb, needs: 'read' },
    ],
  },
  {
    title: 'nav.administration',
    places: [
      { href: '/registry', label: 'nav.registry', icon: Building2, needs: 'read', key: 'r' },
      { href: '/provisioning', label: 'nav.provisioning', icon: ShieldCheck, needs: 'provision' },
      { href: '/people', label: 'nav.people', icon: Users, needs: 'people', key: 'p' },
      { href: '/keys', label: 'nav.keys', icon: KeyRound, needs: 'keys' },
      { href: '/notifications', label: 'nav.notifications', icon: Send, needs: 'notifications' },
      { href: '/rules', label: 'nav.rules', icon: Workflow, needs: 'rules' },
      { href: '/audit', label: 'nav.audit', icon: ScrollText, needs: 'audit' },
      { href: '/settings', label: 'nav.settings', icon: Settings, needs: 'public', key: 's' },
    ],
  },
];

/** Whether a path lies at a place or below it. */
export function isAt(path: string, href: string): boolean {
  if (href === '/') return path === '/' || path.startsWith('/lots');
  return path === href || path.startsWith(`${href}/`);
}

/** The place at which a path lies. */
export const placeOf = (path: string): Place | undefined =>
  PLACES.flatMap(({ places }) => places).find(({ href }) => isAt(path, href));
