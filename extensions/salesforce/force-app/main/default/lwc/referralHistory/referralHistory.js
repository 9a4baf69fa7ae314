import { LightningElement, api, wire } from 'lwc';
import { refreshApex } from '@salesforce/apex';
import { registerRefreshHandler, unregisterRefreshHandler } from 'lightning/refresh';
import getHistory from '@salesforce/apex/ReferralHistoryController.getHistory';
import TITLE from '@salesforce/label/c.Referral_Title';
import REFRESH from '@salesforce/label/c.Referral_Refresh';
import LOADING from '@salesforce/label/c.Referral_Loading';
import SHOW_MORE from '@salesforce/label/c.Referral_Show_More';
import SUBMIT from '@salesforce/label/c.Referral_Submit';
import UPDATED from '@salesforce/label/c.Referral_Updated';
import TRY_AGAIN from '@salesforce/label/c.Referral_Try_Again';
import EMPTY_TITLE from '@salesforce/label/c.Referral_Empty_Title';
import EMPTY_TEXT from '@salesforce/label/c.Referral_Empty_Text';
import EMPTY_MEMBER from '@salesforce/label/c.Referral_Empty_Member';
import NO_PERMISSION_TITLE from '@salesforce/label/c.Referral_No_Permission_Title';
import NO_PERMISSION_TEXT from '@salesforce/label/c.Referral_No_Permission_Text';
import ERROR_TITLE from '@salesforce/label/c.Referral_Error_Title';
import ERROR_STALE from '@salesforce/label/c.Referral_Error_Stale';
import MISSING_ONE from '@salesforce/label/c.Referral_Missing_One';
import MISSING_MANY from '@salesforce/label/c.Referral_Missing_Many';
import { errorText, fill } from 'c/referralFormat';
import { modelOf } from 'c/referralModel';

/** How long to wait before looking again whether Wonward has answered. Then the refresh button is left. */
const LOOK_AGAIN_MS = [3_000, 6_000, 12_000, 24_000, 48_000];
/** After a save on the page: Wonward hears of it, decides and writes within seconds, and nothing tells the card. */
const LOOKS_AFTER_SAVE = 3;
/** More than these would push the referrals out of sight. */
const MISSING_SHOWN_MAX = 3;
const ROWS_DEFAULT = 10;

export default class ReferralHistory extends LightningElement {
    @api recordId;
    @api objectApiName;
    @api maxRows = ROWS_DEFAULT;

    labels = {
        TITLE,
        REFRESH,
        LOADING,
        SHOW_MORE,
        SUBMIT,
        TRY_AGAIN,
        EMPTY_TITLE,
        EMPTY_TEXT,
        EMPTY_MEMBER,
        NO_PERMISSION_TITLE,
        NO_PERMISSION_TEXT,
        ERROR_TITLE,
        ERROR_STALE
    };
    pages = 1;
    view;
    error;
    notice = '';
    isSubmitting = false;
    isBusy = false;
    mustFocus = '';

    wired;
    timer;
    looks = 0;
    looksAtLeast = 0;
    wasWaiting = false;
    refreshHandler;

    connectedCallback() {
        // A record that was saved on this page may be a referral's: the platform says so.
        this.refreshHandler = registerRefreshHandler(this, () => this.refreshAfterSave());
    }

    disconnectedCallback() {
        unregisterRefreshHandler(this.refreshHandler);
        clearTimeout(this.timer);
    }

    renderedCallback() {
        if (this.mustFocus === '') return;
        const target = this.template.querySelector(this.mustFocus);
        this.mustFocus = '';
        target?.focus();
    }

    @wire(getHistory, { recordId: '$recordId', maxRows: '$rowsAsked' })
    wiredHistory(result) {
        this.wired = result;
        if (result.data) {
            this.view = result.data;
            this.error = undefined;
            if (!this.isBusy) this.lookAgainWhileWaiting();
        } else if (result.error) {
            this.error = errorText(result.error);
        }
    }

    get rowsAsked() {
        return (this.maxRows ?? ROWS_DEFAULT) * this.pages;
    }

    get isLoading() {
        return this.view === undefined && this.error === undefined;
    }

    get isRefused() {
        return this.view?.canRead === false;
    }

    get hasFailed() {
        return this.view === undefined && this.error !== undefined;
    }

    get isStale() {
        return this.view !== undefined && this.error !== undefined;
    }

    get model() {
        if (this.view === undefined || this.isRefused) return undefined;
        return modelOf(this.view, {
            recordId: this.recordId,
            objectApiName: this.objectApiName,
            maxRows: this.rowsAsked,
            now: Date.now()
        });
    }

    get canSubmit() {
        return this.view?.canAct === true && !this.isSubmitting;
    }

    get canDispute() {
        return this.view?.canAct === true;
    }

    get hasMissing() {
        return this.model.missing.count > 0;
    }

    get missingTitle() {
        const { count } = this.model.missing;
        return count === 1 ? MISSING_ONE : fill(MISSING_MANY, count);
    }

    get missingTodo() {
        return this.model.missing.todo.slice(0, MISSING_SHOWN_MAX);
    }

    get hasActions() {
        return this.model.actions.length > 0;
    }

    get hasReferrals() {
        return this.model.referrals.length > 0;
    }

    get memberWithoutFriends() {
        return !this.model.isEmpty && !this.hasReferrals;
    }

    get ownMember() {
        return this.objectApiName === 'Contact' || this.objectApiName === 'Lead' ? this.view?.members[0] : undefined;
    }

    /** A text that an account has taken back is a row without words. */
    get friendConsent() {
        return this.view?.consents?.find(({ text }) => Boolean(text));
    }

    async refresh() {
        this.isBusy = true;
        await refreshApex(this.wired);
        this.isBusy = false;
        // Here and not where the answer comes: one that is the same as before need not be handed out again.
        this.lookAgainWhileWaiting();
    }

    async refreshAfterSave() {
        this.looks = 0;
        this.looksAtLeast = LOOKS_AFTER_SAVE;
        await this.refresh();
        return true;
    }

    async handleRefresh() {
        this.notice = '';
        this.looks = 0;
        this.looksAtLeast = 0;
        await this.refresh();
        if (this.error === undefined) this.notice = UPDATED;
    }

    handleMore() {
        this.pages += 1;
    }

    handleSubmitOpen() {
        this.notice = '';
        this.isSubmitting = true;
    }

    handleSubmitClose() {
        this.isSubmitting = false;
        this.mustFocus = '[data-focus="submit"]';
    }

    async handleSubmitted(event) {
        this.handleSubmitClose();
        await this.handleAsked(event);
    }

    async handleAsked(event) {
        this.notice = event.detail.message;
        this.looks = 0;
        this.wasWaiting = true;
        await this.refresh();
    }

    handleNotice(event) {
        this.notice = event.detail.message;
    }

    lookAgainWhileWaiting() {
        clearTimeout(this.timer);
        const isWaiting = this.model?.isWaiting === true;
        // What was asked for is answered first; what came of it is written a moment later.
        if (this.wasWaiting && !isWaiting) this.looksAtLeast = this.looks + 1;
        this.wasWaiting = isWaiting;
        const waitMs = LOOK_AGAIN_MS[this.looks];
        if (waitMs === undefined || !(isWaiting || this.looks < this.looksAtLeast)) return;
        this.looks += 1;
        // Nothing tells a card that a row was answered; it looks a few times and stops.
        // eslint-disable-next-line @lwc/lwc/no-async-operation
        this.timer = setTimeout(() => this.refresh(), waitMs);
    }
}
