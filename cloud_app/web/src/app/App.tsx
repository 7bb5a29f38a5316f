/** From an address to a page; who has not logged in is led to the login. */

import { useEffect, useState } from 'preact/hooks';
import { LocationProvider, useLocation } from 'preact-iso';
import { ApiError } from '../api/client';
import { ErrorState } from '../components/states';
import { LoginPage } from '../pages/login/LoginPage';
import { SessionEnded } from './SessionEnded';
import { Shell } from './Shell';
import { access, isIn, refreshAccess } from './session';
import { Toasts } from './toasts';

/** Addresses that are pages; a link to any other, such as the sign-in provider, leaves the app. */
const PAGES = /^\/(?!api\/)/;

export function App() {
  return (
    <LocationProvider scope={PAGES}>
      <Door />
      <SessionEnded />
      <Toasts />
    </LocationProvider>
  );
}

/** Old addresses in mails are `/login.html`. */
const isLogin = (path: string) => path === '/login' || path === '/login.html';

function Door() {
  const { path, url, route } = useLocation();
  const [error, setError] = useState<ApiError>();
  const atLogin = isLogin(path);

  const enter = () => {
    setError(undefined);
    refreshAccess().catch((fault: unknown) => {
      setError(fault instanceof ApiError ? fault : new ApiError(0, String(fault)));
    });
  };
  useEffect(enter, []);

  const mustLogIn = !!access.value && !isIn.value && !atLogin;
  useEffect(() => {
    if (mustLogIn) route(`/login?to=${encodeURIComponent(url)}`, true);
  }, [mustLogIn, url]);

  if (error) return <ErrorState error={error} retry={enter} />;
  if (!access.value || mustLogIn) return <p class="splash" aria-busy="true" />;
  return atLogin ? <LoginPage /> : <Shell />;
}
