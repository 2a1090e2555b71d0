// Stands in for androidx.test, which is in Google's repository alone: what Robolectric refers to, and no more.
package androidx.test.platform.ui;

import android.view.KeyEvent;
import android.view.MotionEvent;

public interface UiController {
    boolean injectMotionEvent(MotionEvent event) throws InjectEventSecurityException;

    boolean injectKeyEvent(KeyEvent event) throws InjectEventSecurityException;

    boolean injectString(String text) throws InjectEventSecurityException;

    void loopMainThreadUntilIdle();

    void loopMainThreadForAtLeast(long milliseconds);
}
