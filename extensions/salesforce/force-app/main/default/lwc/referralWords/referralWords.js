import STAGE_SUBMITTED from '@salesforce/label/c.Referral_Stage_Submitted';
import STAGE_ACCEPTED from '@salesforce/label/c.Referral_Stage_Accepted';
import STAGE_QUALIFIED from '@salesforce/label/c.Referral_Stage_Qualified';
import STAGE_OPPORTUNITY from '@salesforce/label/c.Referral_Stage_Opportunity';
import STAGE_WON from '@salesforce/label/c.Referral_Stage_Won';
import STAGE_LOST from '@salesforce/label/c.Referral_Stage_Lost';
import STAGE_DECLINED from '@salesforce/label/c.Referral_Stage_Declined';
import STAGE_EXPIRED from '@salesforce/label/c.Referral_Stage_Expired';
import SOURCE_LABEL from '@salesforce/label/c.Referral_Source_Label';
import SOURCE_COMPANY from '@salesforce/label/c.Referral_Source_Company';
import SOURCE_CODE from '@salesforce/label/c.Referral_Source_Code';
import SOURCE_EMAIL from '@salesforce/label/c.Referral_Source_Email';
import SOURCE_EXPLICIT from '@salesforce/label/c.Referral_Source_Explicit';
import STATE_EXPECTED from '@salesforce/label/c.Referral_State_Expected';
import STATE_WAITING from '@salesforce/label/c.Referral_State_Waiting';
import STATE_SKIPPED from '@salesforce/label/c.Referral_State_Skipped';
import STATE_CAPPED from '@salesforce/label/c.Referral_State_Capped';
import STATE_QUEUED from '@salesforce/label/c.Referral_State_Queued';
import STATE_HELD from '@salesforce/label/c.Referral_State_Held';
import STATE_IN_REVIEW from '@salesforce/label/c.Referral_State_In_Review';
import STATE_APPROVED from '@salesforce/label/c.Referral_State_Approved';
import STATE_ISSUING from '@salesforce/label/c.Referral_State_Issuing';
import STATE_ISSUED from '@salesforce/label/c.Referral_State_Issued';
import STATE_REDEEMED from '@salesforce/label/c.Referral_State_Redeemed';
import STATE_FAILED from '@salesforce/label/c.Referral_State_Failed';
import STATE_VOIDED from '@salesforce/label/c.Referral_State_Voided';
import STATE_EXPIRED from '@salesforce/label/c.Referral_State_Expired';
import STATE_CLAWED_BACK from '@salesforce/label/c.Referral_State_Clawed_Back';
import STATE_REVERSED from '@salesforce/label/c.Referral_State_Reversed';
import ACTION_ISSUE_REWARD from '@salesforce/label/c.Referral_Action_Issue_Reward';
import ACTION_ENROL_MEMBER from '@salesforce/label/c.Referral_Action_Enrol_Member';
import ACTION_SUBMIT_REFERRAL from '@salesforce/label/c.Referral_Action_Submit_Referral';
import ACTION_SET_STAGE from '@salesforce/label/c.Referral_Action_Set_Stage';
import ACTION_GET_SHARE_LINK from '@salesforce/label/c.Referral_Action_Get_Share_Link';
import ACTION_OPEN_DISPUTE from '@salesforce/label/c.Referral_Action_Open_Dispute';
import ACTION_PENDING from '@salesforce/label/c.Referral_Action_Pending';
import ACTION_DONE from '@salesforce/label/c.Referral_Action_Done';
import ACTION_REFUSED from '@salesforce/label/c.Referral_Action_Refused';
import ACTION_FAILED from '@salesforce/label/c.Referral_Action_Failed';

/** The words and looks of the picklists' values. A value that is not listed here shows as it is. */

const STAGES = {
    submitted: STAGE_SUBMITTED,
    accepted: STAGE_ACCEPTED,
    qualified: STAGE_QUALIFIED,
    opportunity: STAGE_OPPORTUNITY,
    won: STAGE_WON,
    lost: STAGE_LOST,
    declined: STAGE_DECLINED,
    expired: STAGE_EXPIRED
};

const STATES = {
    expected: STATE_EXPECTED,
    waiting: STATE_WAITING,
    skipped: STATE_SKIPPED,
    capped: STATE_CAPPED,
    queued: STATE_QUEUED,
    held: STATE_HELD,
    in_review: STATE_IN_REVIEW,
    approved: STATE_APPROVED,
    issuing: STATE_ISSUING,
    issued: STATE_ISSUED,
    redeemed: STATE_REDEEMED,
    failed: STATE_FAILED,
    voided: STATE_VOIDED,
    expired: STATE_EXPIRED,
    clawed_back: STATE_CLAWED_BACK,
    reversed: STATE_REVERSED
};

const SOURCES = {
    label: SOURCE_LABEL,
    code: SOURCE_CODE,
    email: SOURCE_EMAIL,
    explicit: SOURCE_EXPLICIT,
    company: SOURCE_COMPANY
};

const ACTIONS = {
    issue_reward: ACTION_ISSUE_REWARD,
    enrol_member: ACTION_ENROL_MEMBER,
    submit_referral: ACTION_SUBMIT_REFERRAL,
    set_stage: ACTION_SET_STAGE,
    get_share_link: ACTION_GET_SHARE_LINK,
    open_dispute: ACTION_OPEN_DISPUTE
};

const STATUSES = {
    pending: ACTION_PENDING,
    done: ACTION_DONE,
    refused: ACTION_REFUSED,
    failed: ACTION_FAILED
};

/** The way of a referral that goes well. The other three stages end it from anywhere. */
export const STAGE_PATH = ['submitted', 'accepted', 'qualified', 'opportunity', 'won'];
/** Somebody has to do something before these go on. */
export const STUCK_STATES = ['waiting', 'failed'];

const GOOD = 'slds-badge slds-theme_success';
const BAD = 'slds-badge slds-theme_error';
const CARE = 'slds-badge slds-theme_warning';
const UNDER_WAY = 'slds-badge slds-badge_inverse';
const PLAIN = 'slds-badge';

const STAGE_LOOKS = { won: GOOD, lost: BAD, declined: BAD, accepted: UNDER_WAY, qualified: UNDER_WAY, opportunity: UNDER_WAY };
const STATE_LOOKS = {
    issued: GOOD,
    redeemed: GOOD,
    failed: BAD,
    clawed_back: BAD,
    reversed: BAD,
    waiting: CARE,
    queued: CARE,
    held: UNDER_WAY,
    in_review: UNDER_WAY,
    approved: UNDER_WAY,
    issuing: UNDER_WAY
};
const STATUS_ICONS = { pending: 'utility:clock', done: 'utility:success', refused: 'utility:warning', failed: 'utility:error' };
const STATUS_VARIANTS = { done: 'success', refused: 'warning', failed: 'error' };

const wordOf = (words, value) => words[value] ?? value ?? '';

export const stageWord = (stage) => wordOf(STAGES, stage);
export const stageLook = (stage) => STAGE_LOOKS[stage] ?? PLAIN;
export const stateWord = (state) => wordOf(STATES, state);
export const stateLook = (state) => STATE_LOOKS[state] ?? PLAIN;
export const sourceWord = (source) => wordOf(SOURCES, source);
export const actionWord = (type) => wordOf(ACTIONS, type);
export const statusWord = (status) => wordOf(STATUSES, status);
export const statusIcon = (status) => STATUS_ICONS[status] ?? STATUS_ICONS.pending;
export const statusVariant = (status) => STATUS_VARIANTS[status] ?? '';
