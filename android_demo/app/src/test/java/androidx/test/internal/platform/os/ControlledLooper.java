// Stands in for androidx.test, which is in Google's repository alone: what Robolectric refers to, and no more.
package androidx.test.internal.platform.os;

import android.view.View;

public interface ControlledLooper {
    void drainMainThreadUntilIdle();

    void simulateWindowFocus(View decorView);
}
